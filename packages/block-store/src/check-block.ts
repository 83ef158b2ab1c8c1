import { HASH_BYTES, MAX_HEIGHT, OPERATION_BYTES } from './constants.ts'
import { BlockTooLargeError, UnlinkedBlockError } from './errors.ts'
import type { StateChange, StoredBlock, StoredHeader } from './index.ts'
import { checkWhole } from './options.ts'

/** Bytes that a block and its changes take. @throws {TypeError} @throws {RangeError} @throws {BlockTooLargeError} */
export function checkBlock(block: StoredBlock, changes: readonly StateChange[], maxBlockBytes: number): number {
  checkWhole('height', block.height, 0, MAX_HEIGHT)
  checkHash('hash', block.hash)
  checkHash('parent', block.parent)
  let size = checkBytes('header', block.header) + checkBytes('body', block.body) + 2 * HASH_BYTES
  for (const id of block.transactions) size += checkHash('transaction id', id) + OPERATION_BYTES
  for (const { key, before, after } of changes) {
    size += checkBytes('key', key) + OPERATION_BYTES
    if (before !== undefined) size += checkBytes('before', before)
    if (after !== undefined) size += checkBytes('after', after)
  }
  if (size > maxBlockBytes) throw new BlockTooLargeError(size, maxBlockBytes)
  const ids = new Set<string>()
  let seen = 0
  for (const id of block.transactions) {
    // A set that has not grown had it.
    if (ids.add(textOf(id)).size === seen) throw twice('transaction id', id)
    seen += 1
  }
  return size
}

/** @throws {TypeError} @throws {RangeError} when it is none of 32 bytes */
export function checkHash(name: string, value: Uint8Array): number {
  const length = checkBytes(name, value)
  if (length !== HASH_BYTES) throw new RangeError(`${name} has ${length} bytes, and must have ${HASH_BYTES}`)
  return length
}

/** @throws {TypeError} when it is no Uint8Array */
export function checkBytes(name: string, value: Uint8Array): number {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} is ${typeof value}, and must be a Uint8Array`)
  return value.length
}

/** Changes by their keys. @throws {RangeError} when a key comes twice */
export function changesByKey(changes: readonly StateChange[]): ReadonlyMap<string, StateChange> {
  const byKey = new Map<string, StateChange>()
  for (const change of changes) {
    const key = textOf(change.key)
    if (byKey.has(key)) throw twice('key', change.key)
    byKey.set(key, change)
  }
  return byKey
}

/** @throws {UnlinkedBlockError} when `block` does not follow `tip` */
export function checkFollows(block: StoredBlock, tip: { height: number; hash: Uint8Array } | undefined): void {
  if (tip === undefined) return
  if (block.height !== tip.height + 1) {
    throw new UnlinkedBlockError('wrong-height', String(tip.height + 1), String(block.height))
  }
  if (!isSame(block.parent, tip.hash)) throw new UnlinkedBlockError('wrong-parent', hex(tip.hash), hex(block.parent))
}

/** @throws {UnlinkedBlockError} when `block` is not the parent of `lowest` */
export function checkPrecedes(block: StoredBlock, lowest: StoredHeader): void {
  if (block.height !== lowest.height - 1) {
    throw new UnlinkedBlockError('wrong-height', String(lowest.height - 1), String(block.height))
  }
  if (!isSame(block.hash, lowest.parent)) {
    throw new UnlinkedBlockError('wrong-hash', hex(lowest.parent), hex(block.hash))
  }
}

/** Bytes as a string of one character each: what maps take for a key. */
export function textOf(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString('latin1')
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function twice(name: string, value: Uint8Array): RangeError {
  return new RangeError(`${name} ${hex(value)} comes twice, and must come once`)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

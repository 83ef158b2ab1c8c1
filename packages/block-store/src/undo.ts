import { CorruptStoreError } from './errors.ts'
import type { StateChange } from './index.ts'
import { seal, unseal } from './records.ts'

/** In the place of a length: the entry was not there. */
const ABSENT = 0xffff_ffff

/** What takes a block's changes back: each key, and what it was before. */
export type Undo = Pick<StateChange, 'key' | 'before'>

/** For each change: length and bytes of the key, length and bytes of what was before; lengths in four bytes. */
export function encodeUndo(changes: readonly Undo[]): Uint8Array {
  let length = 0
  for (const { key, before } of changes) length += 8 + key.length + (before?.length ?? 0)
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (const { key, before } of changes) {
    at = bytes.writeUInt32BE(key.length, at)
    bytes.set(key, at)
    at = bytes.writeUInt32BE(before?.length ?? ABSENT, at + key.length)
    if (before === undefined) continue
    bytes.set(before, at)
    at += before.length
  }
  return seal(bytes)
}

/** @throws {CorruptStoreError} */
export function decodeUndo(record: Uint8Array, height: number): Undo[] {
  const name = `undo data of block ${height}`
  const bytes = unseal(record, name)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const changes: Undo[] = []
  let at = 0
  const take = (length: number) => {
    if (at + length > bytes.length) throw new CorruptStoreError(name, 'malformed')
    at += length
    return at - length
  }
  while (at < bytes.length) {
    const keyLength = view.getUint32(take(4))
    const key = bytes.subarray(take(keyLength), at)
    const length = view.getUint32(take(4))
    const before = length === ABSENT ? undefined : bytes.subarray(take(length), at)
    changes.push({ key, before })
  }
  return changes
}

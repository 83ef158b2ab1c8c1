import { ByteWriter, HASH_BYTES, PUBLIC_KEY_BYTES, sha256, txRoot } from '@gridmesh/ledger'
import { GENESIS_DOMAIN, MAX_NAME_BYTES, MAX_PRODUCERS } from './constants.ts'
import { type Header, unsignedHeader } from './header.ts'

const DEFAULT_SLOT_MS = 1_000
const DEFAULT_FINAL_DEPTH = 64
const MAX_SLOT_MS = 3_600_000
const MAX_FINAL_DEPTH = 10_000

/** What all nodes of a chain have to agree on: any other value is another chain. */
export interface GenesisInit {
  /** 1 to 64 bytes of UTF-8. */
  name: string
  /** When slot 0 begins, in ms since the epoch. */
  startMs: number
  /** Public keys of those who make blocks by turns, a slot each, in the order of their turns: 1 to 64. */
  producers: readonly Uint8Array[]
  /** Length of a slot, in ms, 1 to 3_600_000. @default 1_000 */
  slotMs?: number
  /** Blocks above one before it is final, 1 to 10_000. @default 64 */
  finalDepth?: number
}

/** The beginning of a chain. */
export interface Genesis extends Readonly<Required<GenesisInit>> {
  /** Hash over all of the values. */
  readonly chainId: Uint8Array
  /** Header of the first block, which has no transactions and no signature. */
  readonly header: Header
}

/** Begins a chain. @throws {RangeError} when a value is outside its limits */
export function makeGenesis(init: GenesisInit): Genesis {
  const { name, startMs, producers, slotMs = DEFAULT_SLOT_MS, finalDepth = DEFAULT_FINAL_DEPTH } = init
  checkWhole('bytes of name', Buffer.byteLength(name), 1, MAX_NAME_BYTES)
  checkWhole('startMs', startMs, 0, Number.MAX_SAFE_INTEGER)
  checkWhole('slotMs', slotMs, 1, MAX_SLOT_MS)
  checkWhole('finalDepth', finalDepth, 1, MAX_FINAL_DEPTH)
  checkWhole('number of producers', producers.length, 1, MAX_PRODUCERS)
  const keys = new Set(producers.map((key) => Buffer.from(key).toString('hex')))
  if (keys.size < producers.length) throw new RangeError(`${producers.length - keys.size} producers are there twice`)
  const writer = new ByteWriter().text(GENESIS_DOMAIN).text(name).integer(startMs).integer(slotMs).integer(finalDepth)
  writer.list(producers, (key) => writer.fixed(key, PUBLIC_KEY_BYTES))
  const chainId = sha256(writer.finish())
  const header = unsignedHeader({
    chainId,
    height: 0,
    parent: new Uint8Array(HASH_BYTES),
    slot: 0,
    producer: new Uint8Array(PUBLIC_KEY_BYTES),
    txRoot: txRoot([]),
  })
  return { name, startMs, producers: [...producers], slotMs, finalDepth, chainId, header }
}

/** Who makes the block of a slot. */
export function producerOf({ producers }: Genesis, slot: number): Uint8Array | undefined {
  return producers[slot % producers.length]
}

/** The slot of a moment, in ms since the epoch; below 1 there are no blocks. */
export function slotAt({ startMs, slotMs }: Genesis, timeMs: number): number {
  return Math.floor((timeMs - startMs) / slotMs)
}

/** @throws {RangeError} unless `value` is an integer in the range */
export function checkWhole(name: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new RangeError(`${name} is ${value}, and must be an integer from ${min} to ${max}`)
}

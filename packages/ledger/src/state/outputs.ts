import type { ByteReader } from '../codec/byte-reader.ts'
import type { Codec } from '../codec/codec.ts'
import { HASH_BYTES, OUTPUT_ID_BYTES } from '../constants.ts'
import { asIs, Table } from './table.ts'

/** What can be owned: `energy` in Wh, `thb` in satang, `rec` in Wh of certified renewable generation. */
export type Asset = 'energy' | 'thb' | 'rec'

/** All assets; the place of each is its number on the wire. */
export const ASSETS: readonly Asset[] = ['energy', 'thb', 'rec']

/** An amount of an asset that one address may spend, once and as a whole. */
export interface Output {
  asset: Asset
  /** 1 to 2^53 - 1. */
  amount: number
  /** Address of the owner. */
  owner: Uint8Array
  /** Number of a zone of the chain. */
  zone: number
}

/** Names an output: the id of the transaction that made it, and its place there in two bytes. */
export type OutputId = Uint8Array

export function outputId(transactionId: Uint8Array, index: number): OutputId {
  const id = Buffer.allocUnsafe(OUTPUT_ID_BYTES)
  id.set(transactionId)
  id.writeUInt16BE(index, HASH_BYTES)
  return id
}

export function readOutputId(reader: ByteReader): OutputId {
  return reader.fixed(OUTPUT_ID_BYTES)
}

export const outputCodec: Codec<Output> = {
  write({ asset, amount, owner, zone }, writer) {
    writer.choice(asset, ASSETS).integer(amount).u16(zone).fixed(owner, HASH_BYTES)
  },
  read: (reader) => ({
    asset: reader.choice(ASSETS),
    amount: reader.integer(1),
    zone: reader.u16(),
    owner: reader.fixed(HASH_BYTES),
  }),
}

/** All that is not spent. */
export const outputs = new Table<OutputId, Output>('o', 'output', asIs, outputCodec)

/** Asset, amount, zone and owner, as `outputCodec` writes them. */
const ROW_BYTES = 1 + 8 + 2 + HASH_BYTES
const OWNER_AT = ROW_BYTES - HASH_BYTES

/** What an output is worth. */
export type Funds = Pick<Output, 'asset' | 'amount'>

/** What a row of `outputs` is worth, without reading the rest of it. @throws {MalformedError} where the state is corrupt */
export function fundsIn(row: Uint8Array): Funds {
  const asset = ASSETS[row[0] ?? ASSETS.length]
  let amount = 0
  for (let i = 1; i <= 8; i++) amount = amount * 256 + (row[i] ?? 0)
  const isWhole = row.byteLength === ROW_BYTES && asset !== undefined && amount >= 1
  return isWhole && amount <= Number.MAX_SAFE_INTEGER ? { asset, amount } : outputs.parse(row)
}

/** Whether a row of `outputs` that `fundsIn` could read belongs to `owner`. */
export function isOwner(row: Uint8Array, owner: Uint8Array): boolean {
  for (let i = 0; i < HASH_BYTES; i++) if (row[OWNER_AT + i] !== owner[i]) return false
  return true
}

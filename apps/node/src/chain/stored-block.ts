import type { StoredBlock } from '@gridmesh/block-store'
import { encodeRecord } from './block-record.ts'
import type { FullBlock, Standing } from './chain-block.ts'

/** What the store keeps of a block beside its bytes. */
export interface BlockPlace {
  standing: Standing
  changedAt: number
  /** The authorities before the block of `changedAt`, while that is not final. */
  former?: readonly string[] | undefined
}

/** A block as it is stored: the header with its place, and behind it what is left of the bytes. */
export function storedBlock({ block, bytes }: FullBlock, place: BlockPlace): StoredBlock {
  const { height, hash, parent, bytes: header } = block.header
  return {
    height,
    hash,
    parent,
    header: encodeRecord({ header, ...place }),
    body: bytes.subarray(header.byteLength),
    transactions: block.transactions.map(({ id }) => id),
  }
}

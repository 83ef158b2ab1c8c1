import type { AbortOptions } from '@libp2p/interface'
import type { StateChange } from './state.ts'

/** A header on disk. */
export interface StoredHeader {
  height: number
  hash: Uint8Array
  parent: Uint8Array
  header: Uint8Array
}

/** A block on disk. */
export interface StoredBlock extends StoredHeader {
  body: Uint8Array
  transactions: readonly Uint8Array[]
}

/** Where a chain keeps its blocks and its state: a `BlockStore` of `@gridmesh/block-store` is one. */
export interface ChainStore {
  readonly tip: { height: number; hash: Uint8Array } | undefined
  readonly finalised: number | undefined
  /**
   * Puts a block upon the tip, with its changes of the state, both or neither. Durable when it resolves. Both together are
   * at most 20 MB, all of which it has to take: blocks that one node has no room for end the chain there.
   */
  append(block: StoredBlock, changes: readonly StateChange[]): Promise<void>
  /** Takes the tip off and restores the state from before it, durably, and gives the block. */
  revert(): Promise<StoredBlock>
  /** Makes the blocks up to a height final: they are not reverted any more. */
  finalise(height: number): Promise<void>
  header(at: number | Uint8Array): Promise<StoredHeader | undefined>
  headers(from: number, limit: number): Promise<StoredHeader[]>
  body(hash: Uint8Array): Promise<Uint8Array | undefined>
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  entries(options?: AbortOptions): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
}

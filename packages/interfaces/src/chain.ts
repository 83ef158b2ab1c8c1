import type { AbortOptions } from '@libp2p/interface'

/** A place in a chain. */
export interface ChainTip {
  height: number
  /** Block hash, hex. */
  hash: string
}

/** What became of a block that was handed to the chain. Only an imported one has changed anything. */
export type ImportOutcome =
  /** It is the tip, or kept beside the chain as part of another branch; `tip` is that of the chain, whichever it follows. */
  | { status: 'imported'; tip: ChainTip }
  | { status: 'known' }
  | { status: 'unknown-parent'; parent: string }
  | { status: 'refused'; code: string; message: string }

/** The port by which sync and mempool meet any chain. Headers and blocks are opaque canonical bytes. */
export interface ChainBackend {
  tip(): ChainTip
  /** Newest block that can no longer be reverted, the first block at least. It never goes back. */
  finalised(): ChainTip
  /** Canonical headers from `height` on, at most `limit`; shorter where the chain ends. They are all of one chain. */
  headers(height: number, limit: number, options?: AbortOptions): Promise<Uint8Array[]>
  /** Blocks by hash, in order; `undefined` for each one not held. */
  blocks(hashes: readonly string[], options?: AbortOptions): Promise<(Uint8Array | undefined)[]>
  /** Validates and applies, or keeps it beside the chain. Resolves once a block that was applied is durable. */
  importBlock(block: Uint8Array, options?: AbortOptions): Promise<ImportOutcome>
}

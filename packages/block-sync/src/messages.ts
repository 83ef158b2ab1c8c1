import type { ChainTip } from '@gridmesh/interfaces'

/** Where a node stands: said in the handshake, and whenever it changes. */
export interface Status {
  tip: ChainTip
  /** Not above the tip. */
  finalised: ChainTip
  /** The block whose state this node gives pieces of; not above what is final. @default it gives none */
  checkpoint?: ChainTip | undefined
}

/** Asks for headers: those after the first place of a locator that the other side's chain has too, or from a height on. */
export type GetHeaders = { limit: number } & (
  | { locator: readonly ChainTip[]; height?: never }
  | { height: number; locator?: never }
)

/** Headers in ascending order, each the parent of the next; or that no place of the locator is in the chain. */
export type HeadersAnswer = { status: 'found'; headers: readonly Uint8Array[] } | { status: 'no-common' }

/** Asks for blocks by hash, none twice. */
export interface GetBlocks {
  hashes: readonly string[]
  /** Bytes of all blocks of the answer; a single one may be longer. */
  maxBytes: number
}

/** What is held of the first hashes asked for, in order; `undefined` for each that is not. */
export interface BlocksAnswer {
  blocks: readonly (Uint8Array | undefined)[]
}

/** Asks for one of `pieces` equal parts of the state after a block. */
export interface GetStatePiece {
  block: ChainTip
  /** From 0. */
  piece: number
  pieces: number
}

/** A part of the state with its proof, or nothing where that state is not held any more. */
export interface StatePieceAnswer {
  piece: Uint8Array | undefined
}

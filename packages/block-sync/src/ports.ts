import type { ChainBackend, ChainTip, ImportOutcome } from '@gridmesh/interfaces'
import type {
  BlocksAnswer,
  GetBlocks,
  GetHeaders,
  GetStatePiece,
  HeadersAnswer,
  StatePieceAnswer,
  Status,
} from './messages.ts'

/** What a call of a port is given. */
export interface CallOptions {
  /** Aborts when the result is not waited for any more. */
  signal: AbortSignal
}

/** Why something is refused: a stable code, and the same in words. */
export interface Refusal {
  code: string
  message: string
}

/** What a header says of its place. Hashes are lower-case hex. */
export interface HeaderFacts {
  readonly height: number
  readonly hash: string
  /** Hash of the block before. */
  readonly parent: string
}

/** Reads the opaque bytes of a chain, and says what else is known of its headers. */
export interface ChainReader {
  /** Reads a header; throws on anything that is not the one encoding of a header of this chain. */
  header(bytes: Uint8Array): HeaderFacts
  /**
   * Reads a block and gives the facts of its header; throws on anything that is no block, and on a body that is not the
   * one that the header names. Otherwise those who gave a true header would be blamed for the body of somebody else.
   */
  block(bytes: Uint8Array): HeaderFacts | Promise<HeaderFacts>
  /**
   * Finds what is false about headers that ascend, each the parent of the next: signatures, turns. `undefined` where
   * nothing is, or nothing can be said yet. What it refuses has to be false for everyone and at all times.
   */
  judge?(headers: readonly Uint8Array[], options: CallOptions): Refusal | undefined | Promise<Refusal | undefined>
  /** Whether a refusal of `importBlock` proves a lie; not so a block that is only early. @default each does */
  isProof?(code: string): boolean
}

/** Imports blocks below a final one without executing them anew. */
export interface FastImport {
  /** The newest block that is proven to be final, whether it is held or not. */
  finality(): ChainTip | undefined
  /** Takes over a block that is final, or that a final one descends from; checks at least the root of the state. */
  importFinal(block: Uint8Array, options: CallOptions): Promise<ImportOutcome>
}

/** A peer, as it says that it stands. */
export interface SyncPeer extends Status {
  readonly id: string
  /** Whether it may be asked. */
  readonly isReady: boolean
}

/** Why a peer is reported: each is provable, as far as the ports tell the truth. */
export type Offence =
  | 'malformed-answer'
  | 'malformed-header'
  | 'malformed-block'
  | 'too-many-headers'
  | 'unlinked-headers'
  | 'invalid-header'
  | 'contradicts-finality'
  | 'forks-below-finality'
  | 'wrong-header'
  | 'false-claim'
  | 'too-many-blocks'
  | 'too-many-bytes'
  | 'wrong-block'
  | 'invalid-block'
  | 'false-piece'

/** The peers there are. */
export interface SyncPeers {
  peers(): readonly SyncPeer[]
  /** Calls back whenever a peer came, went, became ready or moved its tip. What is returned ends it. */
  subscribe(listener: () => void): () => void
  /** Takes note of a lie. The peer is not asked again in this run, nor in the next ones until the time for another one has come, whatever comes of it. */
  report(peer: string, offence: Offence, message: string): void
}

/** Asks a peer. Whatever it rejects with is no answer; an error named `MalformedMessageError` is a lie. */
export interface SyncRequests {
  headers(peer: string, request: GetHeaders, options: CallOptions): Promise<HeadersAnswer>
  blocks(peer: string, request: GetBlocks, options: CallOptions): Promise<BlocksAnswer>
  statePiece(peer: string, request: GetStatePiece, options: CallOptions): Promise<StatePieceAnswer>
}

/** A piece of a state, as it came. */
export interface ArrivedPiece {
  readonly piece: number
  readonly bytes: Uint8Array
}

/** A state under way to the chain. */
export interface StateImport {
  /** How many equal parts it is fetched in, up to 65_536. */
  readonly pieces: number
  /** Those that were kept from before a restart. */
  readonly kept: readonly number[]
  /**
   * Checks pieces against the root of the state, and keeps those that are true: together, so that a disk is waited for once.
   * Gives a refusal at the place of each that is false. Up to `maxAnswerBytes` at once, or one.
   */
  add(pieces: readonly ArrivedPiece[], options: CallOptions): Promise<readonly (Refusal | undefined)[]>
  /** Makes the state the chain's: from then on the block is its tip, and final. Where it throws, it goes on block by block. */
  finish(options: CallOptions): Promise<void>
  /** Lets go of it; pieces may be kept for the next time. Called unless `finish` resolved. */
  close(): Promise<void>
}

/** What the import of a state begins with. */
export interface BeginOptions extends CallOptions {
  /** Pieces that it is to be fetched in at least, up to 65_536: with fewer of them one was too long. @default as many as the target likes */
  pieces?: number | undefined
}

/** Where a checkpoint goes. */
export interface StateTarget {
  /** A block that is known to be final, by configuration or proof: no other checkpoint is taken. @default one that peers agree on */
  trusted?(): ChainTip | undefined
  /** Begins, or goes on with, the import of the state after a block. Where it throws, the checkpoint is left aside. */
  begin(block: Uint8Array, options: BeginOptions): Promise<StateImport>
}

/** Where the blocks before the lowest one go. */
export interface HistoryTarget {
  /** The lowest block that is held; `undefined` where nothing is missing before it. */
  lowest(): HeaderFacts | undefined
  /** Puts a block before the lowest one, whose parent it is. */
  prepend(block: Uint8Array, options: CallOptions): Promise<void>
}

/** Gives parts of the state to peers. */
export interface StateReader {
  /** One of `pieces` equal parts of the state after a block; `undefined` where that state is not held. */
  piece(request: GetStatePiece, options: CallOptions): Promise<Uint8Array | undefined>
}

/** What a sync is built on. */
export interface BlockSyncComponents {
  chain: ChainBackend
  reader: ChainReader
  peers: SyncPeers
  requests: SyncRequests
  /**
   * Looks at a block that is imported soon, while another one is: what of it can be checked without the state. It is told of
   * one of any size, or up to 8 of 1 MB together, and of most of them more than once. @default nothing is
   */
  prepare?: (block: Uint8Array) => void
  /** Takes final blocks without executing them. @default all are executed */
  fast?: FastImport
  /** Takes a state at a checkpoint. @default there are no checkpoints */
  state?: StateTarget
  /** Takes the blocks before a checkpoint. @default they are not fetched */
  history?: HistoryTarget
}

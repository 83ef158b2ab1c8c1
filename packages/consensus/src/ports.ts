import type { ChainTip, ImportOutcome } from '@gridmesh/interfaces'

/** What an engine has to know of a header. */
export interface HeaderFacts extends ChainTip {
  /** Hash of the block before, lower-case hex. */
  parent: string
  /** Calendar time that the header states, in ms. */
  timeMs: number
  /** Address of who signed, lower-case hex. */
  proposer: string
  /** Whether there is a transaction in the block, so that somebody waits for it to be final. @default false */
  isFilled?: boolean
}

/** A block with what is needed to follow it. */
export interface Head<Standing> {
  header: HeaderFacts
  /** What `ConsensusRules` made of it, kept by the chain. */
  standing: Standing
  /**
   * Addresses of those who may make the next block, by the state after this one, in any order. The same array for the
   * same authorities is quickest, and nothing in it may change.
   */
  authorities: readonly string[]
}

/** Signs for one authority. */
export interface Signer {
  /** Its address, lower-case hex. */
  readonly address: string
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

/** What a block is to be built of. */
export interface BuildRequest<Standing> {
  /** The block to build on. */
  parent: Head<Standing>
  /** Time that the header has to state. */
  timeMs: number
  /** Whether a block without transactions is wanted; else nothing is built when none applies. */
  allowEmpty: boolean
  /** Signs one header, and nothing once the proposal is cancelled. */
  signer: Signer
  signal: AbortSignal
}

/** A block that is built and signed, and known to nobody yet. */
export interface BuiltBlock {
  header: HeaderFacts
  /** The whole block, as it is sent. */
  bytes: Uint8Array
}

/** The chain. `chain:head` is dispatched whenever `head` becomes another. */
export interface ConsensusChain<Standing> {
  /** The best block there is. */
  head(): Head<Standing>
  /** The newest block that the chain keeps as final; genesis at least. */
  finalised(): ChainTip
  /** Hash of the block at `height` on the branch of `head`. */
  hashAt(height: number): Promise<string | undefined>
  /** Builds on a block; `undefined` when there would be nothing in it and `allowEmpty` is not set. */
  build(request: BuildRequest<Standing>): Promise<BuiltBlock | undefined>
  /** Validates, keeps and, where it is better, switches. Resolves once the block is durable. */
  importBlock(bytes: Uint8Array): Promise<ImportOutcome>
  addEventListener(type: 'chain:head', listener: () => void): void
  removeEventListener(type: 'chain:head', listener: () => void): void
}

/** The mempool. `transaction:added` is dispatched whenever there is one more to put in a block. */
export interface ConsensusMempool {
  /** Transactions that a block may take. */
  readonly size: number
  addEventListener(type: 'transaction:added', listener: () => void): void
  removeEventListener(type: 'transaction:added', listener: () => void): void
}

/** Where an engine's own messages go. What comes is handed to its `receive`. */
export interface ConsensusNetwork {
  /** Tells everybody. Nothing waits for it; a rejection is told by `consensus:fault`. */
  publish(kind: string, bytes: Uint8Array): Promise<void>
}

/** Reads headers, for evidence. */
export interface HeaderCodec {
  /** @throws when these are not the one encoding of a header */
  decode(bytes: Uint8Array): HeaderFacts
  /** Whether the signature of a well-formed header holds. */
  verify(bytes: Uint8Array): boolean
  /** The header within a block, as bytes. @throws when there is none */
  ofBlock(block: Uint8Array): Uint8Array
}

/** One thing that is signed at most once: by `poa` a block of a height on a parent. */
export interface SigningSlot {
  height: number
  /** By `poa` the hash of the parent. */
  name: string
}

/** What was signed, beyond the life of the process. One authority has one, on one machine. */
export interface SigningRecord {
  /** The state that was saved last, `undefined` before the first. */
  load(): Promise<Uint8Array | undefined>
  /** Whether something was saved for a slot, or may have been: `true` for all that are forgotten. */
  has(slot: SigningSlot): Promise<boolean>
  /** Saves both in one step: durable once it resolves, and both or none of them after a crash. */
  save(slot: SigningSlot, state: Uint8Array): Promise<void>
  /**
   * Slots below `height` need no memory of their own any more, but the height itself does: a chain that was lost and
   * begins anew would ask for them.
   */
  forgetBelow(height: number): Promise<void>
}

/** Calendar time. */
export interface Clock {
  nowMs(): number
}

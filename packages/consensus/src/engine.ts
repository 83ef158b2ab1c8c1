import type { ChainTip, Lane, Verdict } from '@gridmesh/interfaces'
import type { TypedEventTarget } from 'main-event'
import type { Equivocation } from './equivocation/evidence.ts'
import type { HeaderFacts } from './ports.ts'

/** A header that is to be judged, with what it builds on. */
export interface Candidate<Standing> {
  header: HeaderFacts
  parent: HeaderFacts
  /** Of the parent. */
  standing: Standing
  /** Addresses of those who may make it, by the state after the parent. */
  authorities: readonly string[]
  /**
   * Those before the newest change of them, while the block that made it is not final by the parent's standing. The chain
   * allows one such change at a time: two branches, each with another one, would have quorums that need not meet.
   * @default there is no such change
   */
  former?: readonly string[] | undefined
  /** What came along with the block to prove its place: votes of `simplex`. There is none in `poa`. */
  certificate?: Uint8Array
}

/** What becomes of a candidate. `retryInMs` is there when only time is missing. */
export type Judgement<Standing> =
  | { status: 'valid'; standing: Standing }
  | { status: 'refused'; code: string; message: string; retryInMs?: number }

/** A block that the chain may go on from. */
export interface RatedTip<Standing> extends ChainTip {
  /** Calendar time that its header states, in ms. */
  timeMs: number
  standing: Standing
  /** Whether it descends from the newest finalised block of this node. */
  isFinalisedBranch: boolean
}

/**
 * The pure half of an engine: the same on every node, whether it makes blocks or not. The chain calls it for each
 * header, and keeps the standing with the block; it is plain data, so JSON will do.
 */
export interface ConsensusRules<Standing> {
  readonly name: string
  /** Standing of a block that is final by definition: genesis, or a checkpoint that is trusted. */
  begin(block: ChainTip): Standing
  /**
   * Judges who made a header and when, and gives its standing. Without `nowMs` no clock is asked.
   *
   * @throws {RangeError} when the authorities are none, too many, or name one twice
   */
  judge(candidate: Candidate<Standing>, options?: { nowMs?: number }): Judgement<Standing>
  /** Whether `a` is to be preferred: a total order, so that all who know the same blocks choose the same. */
  better(a: RatedTip<Standing>, b: RatedTip<Standing>): boolean
  /** Height of the newest ancestor that is final by what its branch proves. It never falls along a branch. */
  finalHeight(standing: Standing): number
}

/** A message that an engine sends and takes. */
export interface EngineMessage {
  readonly kind: string
  readonly lane: Lane
  /** Longest one that is taken, in bytes. */
  readonly maxBytes: number
}

/** What became of a received message. */
export interface Reception {
  /** Whether to pass it on, and whether whoever brought it should pay for it. */
  verdict: Verdict
  /** Why it was not accepted. */
  code?: string
  message?: string
  /** Hash of a block that has to be fetched first; only with a block of one who may make any, as far as is known here. */
  unknownParent?: string
}

/** A block that can no longer be reverted. */
export interface Finality {
  block: ChainTip
  /** Convinces somebody who has nothing but the authorities. `poa` has none: there the headers after it do. */
  proof?: Uint8Array
}

/** Something that failed and did not stop the engine. */
export interface EngineFault {
  during: 'propose' | 'publish' | 'finalise'
  error: unknown
}

/** The events of an engine. */
export interface ConsensusEvents {
  /** A block of our own is recorded and imported, and sent next. */
  'consensus:proposed': CustomEvent<ChainTip>
  /** A block is final, with all before it. Heights only rise. */
  'consensus:final': CustomEvent<Finality>
  /** An authority signed two blocks where it may sign one. Told once for each height and parent, while it is kept. */
  'consensus:equivocation': CustomEvent<Equivocation>
  /** A port failed. The engine goes on. */
  'consensus:fault': CustomEvent<EngineFault>
}

/** The running half of an engine. */
export interface ConsensusEngine<Standing> extends TypedEventTarget<ConsensusEvents> {
  readonly rules: ConsensusRules<Standing>
  /** What has to be carried for it. */
  readonly messages: readonly EngineMessage[]
  /** The newest final block. Never goes back. */
  readonly finalised: ChainTip
  /** Begins to follow the chain and, where there is a signer, to make blocks. */
  start(): Promise<void>
  /**
   * Ends all of it: no timer is left. What is signed already is still recorded and sent, so it takes as long as the
   * chain and the record take to answer.
   */
  stop(): Promise<void>
  /**
   * Takes a message of one of `messages`, started or not. Rejects with what the chain rejects with.
   *
   * @throws {RangeError} for any other kind
   */
  receive(kind: string, bytes: Uint8Array): Promise<Reception>
  /** Looks at a header that came by any way, for evidence, started or not. Bytes that are none are ignored. */
  observe(header: Uint8Array): void
}

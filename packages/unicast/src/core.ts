import { type FrameChannelInit, FramingError, MessageRefusedError } from '@gridmesh/chunking'
import type { Lane, ReportClass } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { AnswerMemory } from './answer-memory.ts'
import { MAX_HEADER_BYTES } from './constants.ts'
import { MalformedMessageError } from './errors.ts'
import type { HandlerSlots } from './handler-slots.ts'
import type { Handlers } from './handlers.ts'
import type { Limits } from './limits.ts'
import type { NodeBudgets } from './node-budgets.ts'
import type { PeerReporter } from './peer-reporter.ts'
import type { SharedBudget } from './shared-budget.ts'
import type { Siblings } from './siblings.ts'
import type { StreamJob } from './stream-job.ts'
import type { UnaryJob } from './unary-job.ts'
import type { UnicastMetrics } from './unicast-metrics.ts'

/** What the parts of the service share. */
export interface Core {
  readonly limits: Limits
  readonly log: Logger
  readonly siblings: Siblings
  readonly metrics: UnicastMetrics
  readonly handlers: Pick<Handlers, 'get'>
  readonly memory: AnswerMemory
  /** Calls that run or wait on, though their caller gave up or their link is lost. */
  readonly orphans: Set<UnaryJob | StreamJob>
  /** Handlers of a lane; `critical` has its own, so that nothing else can take its room. */
  slots(lane: Lane): HandlerSlots
  /** Memory of all peers, for a lane; `critical` has its own here too. */
  budgets(lane: Lane): NodeBudgets
}

/** What a stream brings us: what the peer asks, or what it answers. */
export type Direction = 'questions' | 'answers'

/** One peer, and the memory it may take. */
export interface Remote {
  readonly peer: PeerId
  readonly key: string
  /** Messages of which a part has come. Answers have their own: room that we asked to be filled is no one else's doing. */
  partialBudget(lane: Lane, of: Direction): SharedBudget
  heldBudget(lane: Lane): SharedBudget
  readonly reporter: PeerReporter
}

/** Limits of a channel to a peer. */
export function channelLimits(
  core: Core,
  remote: Remote,
  lane: Lane,
  of: Direction,
): Pick<FrameChannelInit, 'maxMessageBytes' | 'partialBudget'> {
  return {
    maxMessageBytes: core.limits.maxMessageBytes + MAX_HEADER_BYTES,
    partialBudget: remote.partialBudget(lane, of),
  }
}

/** Bytes that may be kept: a small view would keep the whole network buffer it came in, so that is copied. */
export function own(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength * 2 < bytes.buffer.byteLength ? bytes.slice() : bytes
}

/** As `blame`, for a question that was lost: want of room that all peers share is nobody's doing. */
export function blameLost(error: Error, budget: SharedBudget): ReportClass | undefined {
  const isCrowded = error instanceof MessageRefusedError && error.code === 'too-many-bytes' && budget.isCrowded
  return isCrowded ? undefined : blame(error)
}

/** What the peer is to be blamed for by `error`, if anything. */
export function blame(error: Error | undefined): ReportClass | undefined {
  if (error instanceof FramingError || error instanceof MalformedMessageError) return error.report
  return error instanceof MessageRefusedError && error.by === 'us' ? error.report : undefined
}

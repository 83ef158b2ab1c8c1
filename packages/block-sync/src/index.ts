/**
 * @packageDocumentation
 *
 * Brings a node that was away up to its peers, whatever its chain: headers from one of them, bodies from several at once,
 * each block validated by the chain in order; or a state in proven pieces at a final block first, and the history later.
 * Every answer of a peer is taken for hostile until it is checked; who lied is reported, who is slow only passed over.
 *
 * Not for blocks as they are made, which are broadcast, nor for choosing between branches, which the chain does.
 *
 * @example
 *
 * ```ts
 * import { BlockSync, type BlockSyncComponents } from '@gridmesh/block-sync'
 *
 * async function catchUp(components: BlockSyncComponents): Promise<string> {
 *   const sync = new BlockSync(components, { behind: 5 })
 *   sync.start()
 *   const result = await sync.sync()
 *   await sync.stop()
 *   return result.status === 'synced' ? `at ${result.tip.height}` : result.message
 * }
 * ```
 */
import type { ChainTip } from '@gridmesh/interfaces'
import type { Offence, Refusal } from './ports.ts'

/** Options of a sync. */
export interface BlockSyncInit {
  /** Blocks that a ready peer has to be ahead for a run to begin by itself. @default 10 */
  behind?: number
  /** Blocks that a checkpoint has to be ahead for its state to be fetched, where there is a target for it. @default Infinity */
  checkpointBehind?: number
  /** Blocks asked of a peer at once, up to 1_000. @default 100 */
  rangeBlocks?: number
  /** Headers asked of a peer at once, up to 2_000. @default 500 */
  headersPerRequest?: number
  /** Headers held that are not imported, at least `headersPerRequest`; beyond it none are asked for. @default 10_000 */
  maxHeadersAhead?: number
  /** Bytes of blocks and pieces that came or may come and are not imported, at least twice `maxAnswerBytes`; beyond it none are asked for. @default 67_108_864 */
  maxBufferedBytes?: number
  /** Bytes of blocks asked of a peer at once, at most, and longest piece of a state, which is asked for in more pieces where one is longer; at least `maxBlockBytes`, up to 16_777_216. @default 4_194_304 */
  maxAnswerBytes?: number
  /** Longest block, in bytes; who sends a longer one is reported. @default 1_048_576 */
  maxBlockBytes?: number
  /** Requests for blocks or pieces under way at once. @default 16 */
  maxRequests?: number
  /** Of those, to one peer. @default 2 */
  maxRequestsPerPeer?: number
  /** Requests in a row that a peer may fail before it is not asked again in a run. @default 3 */
  maxFailures?: number
  /** How many times slower than the median, in blocks per second, a peer is before others are asked first. @default 4 */
  slowFactor?: number
  /** Peers that are to have a branch that forks below the tip before it is followed, where so many claim its height; and a checkpoint before it is taken. @default 3 */
  confirmations?: number
  /** Peers asked in a run: those first who may bring it further; the others, beyond it, have their turn in a later one. @default 256 */
  maxPeers?: number
  /** Time in which a request has to be answered, in ms. @default 10_000 */
  requestTimeoutMs?: number
  /** Time after which what is needed next is asked of another peer too, in ms. @default 3_000 */
  reassignMs?: number
  /** Time without progress after which the headers of another peer are followed, in ms. @default 30_000 */
  stallMs?: number
  /** Time that a call of the chain may take, in ms; then the run fails. @default 60_000 */
  importTimeoutMs?: number
  /** Time after a failed run before the next, in ms; it doubles with each in a row. @default 10_000 */
  retryMs?: number
  /** Longest time between failed runs, in ms. @default 300_000 */
  maxRetryMs?: number
  /** Time between two events of progress, in ms. @default 1_000 */
  progressMs?: number
}

/** Why a run failed. */
export type SyncFailureCode =
  /** Nobody is ready to be asked. */
  | 'no-peers'
  /** Peers are ahead, and none of them brought us to its tip. */
  | 'no-progress'
  /** A call of the chain threw or took too long. */
  | 'chain-failed'
  | 'stopped'

/** What became of a run. */
export type SyncResult =
  | { status: 'synced'; tip: ChainTip; imported: number }
  | { status: 'failed'; code: SyncFailureCode; message: string; tip: ChainTip; imported: number }

/** How far a run is. */
export interface SyncProgress {
  /** Height at which it began. */
  from: number
  /** Height that is reached; at a checkpoint the pieces that are. */
  height: number
  /** Height that a peer claims, or the number of pieces. */
  target: number
  /** Or pieces. */
  blocksPerSecond: number
}

/** What a run does. */
export type SyncPhase = 'idle' | 'blocks' | 'checkpoint' | 'history'

/** What is known of a peer in a run. */
export interface SyncPeerStatus {
  id: string
  blocksPerSecond: number | undefined
  requests: number
  /** `excluded` is not asked again in this run. */
  standing: 'good' | 'slow' | 'excluded'
}

/** A snapshot, for people. */
export interface SyncStatus {
  phase: SyncPhase
  progress: SyncProgress | undefined
  peers: SyncPeerStatus[]
  /** Bytes of blocks and pieces that came or may come. */
  bufferedBytes: number
  /** Headers that wait for their blocks. */
  headersAhead: number
  /** Of the newest run that is over. */
  last: SyncResult | undefined
}

/** What a run noticed of a peer. `reported` is a lie; the others cost it nothing but its place in this run. */
export type PeerNotice =
  | { peer: string; notice: 'reported'; offence: Offence; message: string }
  | { peer: string; notice: 'slow' | 'absent'; message: string }

/** Events of a sync. */
export interface BlockSyncEvents {
  /** A run, or the history, got further; at most one in `progressMs`. */
  'sync:progress': CustomEvent<SyncProgress>
  /** A run reached the best tip it could. */
  'sync:done': CustomEvent<Extract<SyncResult, { status: 'synced' }>>
  /** A run failed; while the sync is started there is a next one later. */
  'sync:failed': CustomEvent<Extract<SyncResult, { status: 'failed' }>>
  /** A peer lied, was too slow, or does not have what it should. */
  'sync:peer': CustomEvent<PeerNotice>
  /** Fetching the history ended before its end; while the sync is started it is tried again later. */
  'sync:history-failed': CustomEvent<Refusal>
}

export { BlockServer, type BlockServerComponents, type BlockServerInit } from './server.ts'
export { BlockSync } from './block-sync.ts'
export * from './errors.ts'
export type * from './messages.ts'
export type * from './ports.ts'
export * from './wire/codecs.ts'

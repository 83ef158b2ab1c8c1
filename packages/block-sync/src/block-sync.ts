import type { ChainTip } from '@gridmesh/interfaces'
import { TypedEventEmitter } from 'main-event'
import { textOf } from './ask.ts'
import { fillHistory } from './history.ts'
import type { BlockSyncEvents, BlockSyncInit, PeerNotice, SyncFailureCode, SyncResult, SyncStatus } from './index.ts'
import { resolveOptions, type SyncOptions } from './options.ts'
import { PeerTable } from './peer-table.ts'
import type { BlockSyncComponents, HistoryTarget, Refusal, SyncPeer } from './ports.ts'
import { Progress } from './progress.ts'
import { type Doubt, NO_CLAIMS, Retries } from './retries.ts'
import { Run } from './run.ts'
import type { RunContext } from './run-context.ts'

type Timer = ReturnType<typeof setTimeout>

/** What is under way: a run, or the history. */
interface Job {
  /** What it does while none of its parts is at work. */
  phase: 'blocks' | 'history'
  context: RunContext
  progress: Progress
  controller: AbortController
}

/** Catches up with the peers whenever they are ahead, and fetches the history behind a checkpoint. */
export class BlockSync extends TypedEventEmitter<BlockSyncEvents> {
  readonly #components: BlockSyncComponents
  readonly #options: SyncOptions
  readonly #retries: Retries
  readonly #historyRetries: Retries
  /** Peers that announced a block whose parent is not here, with that block. */
  readonly #wanted = new Map<string, ChainTip>()
  /** From start to stop. */
  #life: AbortController | undefined
  #unsubscribe: (() => void) | undefined
  #timer: Timer | undefined
  /** Until the history may be asked for again of those who did not give it. */
  #historyTimer: Timer | undefined
  #job: Job | undefined
  #running: Promise<SyncResult> | undefined
  #filling: Promise<void> | undefined
  #last: SyncResult | undefined

  /** @throws {RangeError} when a number is out of its range */
  constructor(components: BlockSyncComponents, init: BlockSyncInit = {}) {
    super()
    this.#components = components
    this.#options = resolveOptions(init)
    this.#retries = new Retries(this.#options)
    this.#historyRetries = new Retries(this.#options)
  }

  /** Begins to look whether peers are ahead. Again is the same. */
  start(): void {
    if (this.#life !== undefined) return
    this.#life = new AbortController()
    this.#unsubscribe = this.#components.peers.subscribe(() => this.#onPeers())
    this.#retries.forget()
    this.#historyRetries.forget()
    this.#detect()
  }

  /** Ends all of it: nothing is under way and no timer is left when it resolves. A block being imported is waited for until `importTimeoutMs` at most. */
  async stop(): Promise<void> {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    clearTimeout(this.#timer)
    clearTimeout(this.#historyTimer)
    this.#timer = undefined
    this.#historyTimer = undefined
    this.#wanted.clear()
    this.#life?.abort()
    this.#life = undefined
    await Promise.all([this.#running, this.#filling])
  }

  /**
   * Catches up, or joins the run that is under way. Never rejects; before `start` and after `stop` it fails with `stopped`.
   */
  sync(): Promise<SyncResult> {
    if (this.#life === undefined) return Promise.resolve(this.#failure('stopped', 'the sync is not started'))
    this.#running ??= this.#run(this.#life.signal)
    return this.#running
  }

  /** Tells that a peer announced a block whose parent is not here: its headers are followed, whatever height it claims. */
  unknownParent(peer: string, block: ChainTip): void {
    if (this.#life === undefined) return
    this.#wanted.delete(peer)
    this.#wanted.set(peer, block)
    const [oldest] = this.#wanted.keys()
    if (this.#wanted.size > this.#options.maxPeers && oldest !== undefined) this.#wanted.delete(oldest)
    this.#detect()
  }

  /** What it does, and how far it is. */
  status(): SyncStatus {
    const { phase = 'idle', context, progress } = this.#job ?? {}
    return {
      phase: context?.activity?.phase ?? phase,
      progress: progress?.now,
      peers: context?.table.snapshot() ?? [],
      bufferedBytes: context?.activity?.bufferedBytes ?? 0,
      headersAhead: context?.activity?.headersAhead ?? 0,
      last: this.#last,
    }
  }

  #onPeers(): void {
    this.#job?.context.table.refresh()
    this.#job?.context.activity?.onPeers()
    this.#detect()
  }

  /** Begins a run if that is worth it, and goes on with the history if it is not. */
  #detect(): void {
    if (this.#running !== undefined || this.#life === undefined) return
    const { behind } = this.#options
    if (this.#components.peers.peers().some((peer) => this.#isWorthIt(peer, behind))) void this.sync()
    else this.#fill()
  }

  /** Whether a peer is more than so many blocks ahead, or is to be followed, and it is not known that nothing comes of it. */
  #isWorthIt({ id, tip, isReady }: SyncPeer, behind: number): boolean {
    const wanted = this.#wanted.get(id)
    const isAhead = tip.height > this.#components.chain.tip().height + behind && !this.#retries.isSettled(id, tip)
    return isReady && (isAhead || (wanted !== undefined && !this.#retries.isSettled(id, wanted)))
  }

  async #run(life: AbortSignal): Promise<SyncResult> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#job?.controller.abort()
    await this.#filling
    const wanted = new Map(this.#wanted)
    const { result, table } = await this.#attempt(life, wanted)
    this.#job = undefined
    this.#running = undefined
    for (const [peer, block] of wanted) if (this.#wanted.get(peer) === block) this.#wanted.delete(peer)
    this.#last = result
    if (result.status === 'synced') this.safeDispatchEvent('sync:done', { detail: result })
    else this.safeDispatchEvent('sync:failed', { detail: result })
    this.#plan(table, result)
    return result
  }

  /** Never rejects. */
  async #attempt(life: AbortSignal, wanted: Map<string, ChainTip>): Promise<{ result: SyncResult; table?: PeerTable }> {
    try {
      if (life.aborted) return { result: this.#failure('stopped', 'the sync has stopped') }
      const { context } = this.#open('blocks', life, (peer) => this.#isWorthIt(peer, 0))
      return { result: await new Run(context, wanted).go(), table: context.table }
    } catch (err) {
      return { result: this.#failure('chain-failed', `a port failed: ${textOf(err)}`) }
    }
  }

  /** Says when to look again. */
  #plan(table: PeerTable | undefined, result: SyncResult): void {
    // A listener may have begun the next one already.
    if (this.#life === undefined || this.#running !== undefined) return
    const isDue = result.status === 'failed' && result.code !== 'no-peers'
    const isSynced = result.status === 'synced'
    const delayMs = this.#retries.settle(table?.claims() ?? NO_CLAIMS, isSynced, isSynced && result.imported > 0)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#retries.forget()
      if (isDue) void this.sync()
      else this.#detect()
    }, delayMs)
    if (result.status === 'failed' && result.code === 'chain-failed') return
    this.#detect()
  }

  #failure(code: SyncFailureCode, message: string): SyncResult {
    return { status: 'failed', code, message, tip: this.#components.chain.tip(), imported: 0 }
  }

  /** Fetches what is missing before a checkpoint, while there is nothing better to do and somebody who may have it. */
  #fill(): void {
    const { history, peers } = this.#components
    if (this.#life === undefined || this.#filling !== undefined) return
    const { height } = history?.lowest() ?? { height: 0 }
    const isWorthIt = ({ id, isReady, tip }: SyncPeer): boolean =>
      isReady && tip.height >= height && !this.#historyRetries.isSettled(id, tip)
    if (history === undefined || height === 0 || !peers.peers().some(isWorthIt)) return
    this.#filling = this.#fillFrom(history, this.#open('history', this.#life.signal, isWorthIt))
  }

  async #fillFrom(history: HistoryTarget, job: Job): Promise<void> {
    const { signal } = job.context
    let failure: Refusal | undefined
    try {
      failure = await fillHistory(job.context, history)
    } catch (err) {
      failure = { code: 'chain-failed', message: textOf(err) }
    }
    if (this.#job === job) this.#job = undefined
    this.#filling = undefined
    if (failure === undefined || signal.aborted) return
    const isFurther = job.progress.now !== undefined
    const delayMs = this.#historyRetries.settle(job.context.table.fruitless(), false, isFurther)
    clearTimeout(this.#historyTimer)
    this.#historyTimer = setTimeout(() => {
      this.#historyTimer = undefined
      this.#historyRetries.forget()
      this.#detect()
    }, delayMs)
    this.safeDispatchEvent('sync:history-failed', { detail: failure })
  }

  #open(phase: Job['phase'], life: AbortSignal, isWorthIt: (peer: SyncPeer) => boolean): Job {
    const options = this.#options
    const controller = new AbortController()
    const from = this.#components.chain.tip().height
    const progress = new Progress(from, options.progressMs, (detail) =>
      this.safeDispatchEvent('sync:progress', { detail }),
    )
    const notice = (detail: PeerNotice) => this.safeDispatchEvent('sync:peer', { detail })
    const retries = phase === 'blocks' ? this.#retries : this.#historyRetries
    const other = phase === 'blocks' ? this.#historyRetries : this.#retries
    const doubtOf = (id: string): Doubt | undefined => (other.doubtOf(id) === 'lied' ? 'lied' : retries.doubtOf(id))
    const table = new PeerTable(this.#components.peers, options, notice, { isWorthIt, doubtOf })
    const context: RunContext = {
      ...this.#components,
      options,
      table,
      signal: AbortSignal.any([life, controller.signal]),
      refused: new Set(),
      onProgress: (height, target) => progress.step(height, target),
      activity: undefined,
    }
    const job = { phase, context, progress, controller }
    this.#job = job
    return job
  }
}

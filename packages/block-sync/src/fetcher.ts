import { ask, isMalformed, textOf } from './ask.ts'
import type { Lie } from './header-check.ts'
import type { SyncOptions } from './options.ts'
import type { PeerRecord, PeerTable } from './peer-table.ts'

/** Peers that are asked for the same at once, the first one among them. */
const MAX_ATTEMPTS = 3

/** What came of asking: how many of the things that were asked for, none where the peer has none, or a lie. */
export type Fetched = { count: number } | Lie

/** Something to be fetched from one of several peers. */
export interface Job {
  /** For errors. */
  readonly what: string
  /** Whether nothing is left to be asked for. */
  readonly isWhole: boolean
  /** Bytes that came and were not taken yet. */
  readonly heldBytes: number
  /** Who is being asked, and since when. */
  readonly attempts: Map<PeerRecord, Attempt>
  /** Who does not have it. */
  readonly absent: Set<PeerRecord>
  /** Whether a peer might have it. */
  suits(peer: PeerRecord): boolean
  fetch(peer: PeerRecord, signal: AbortSignal): Promise<Fetched>
}

/** A request that is under way. */
interface Attempt {
  sinceMs: number
  controller: AbortController
}

interface FetcherInit {
  table: PeerTable
  options: SyncOptions
  /** All that is not over, what is needed first before the others. */
  jobs: () => readonly Job[]
  /** Something came, or will not come: a lie has been reported by then. */
  onChange: () => void
}

/**
 * Fetches jobs from many peers at once, in their order, within bounds of requests and bytes. The first one is asked of
 * another peer too when it takes long. Part of the memory is kept for it, so that those behind it never block it.
 */
export class Fetcher {
  readonly #init: FetcherInit
  #isOver = false
  #running = 0

  constructor(init: FetcherInit) {
    this.#init = init
  }

  /** Bytes that came, or may come with what is under way. */
  get bufferedBytes(): number {
    return this.#init
      .jobs()
      .reduce((sum, { heldBytes, attempts }) => sum + heldBytes + attempts.size * this.#init.options.maxAnswerBytes, 0)
  }

  /** Asks for whatever may be asked for now. */
  pump(): void {
    const { jobs, options } = this.#init
    let isFirst = true
    let bytes = this.bufferedBytes
    for (const job of jobs()) {
      if (this.#isOver || this.#running >= options.maxRequests) return
      if (!job.isWhole && job.attempts.size === 0) {
        if (!this.#hasRoom(bytes, isFirst)) return
        if (this.#start(job)) bytes += options.maxAnswerBytes
      }
      isFirst &&= job.isWhole
    }
  }

  /** Asks somebody else, too, for what is needed first and takes long. To be called now and then. */
  tick(): void {
    const { jobs, options } = this.#init
    const first = jobs().find(({ isWhole }) => !isWhole)
    if (first !== undefined && first.attempts.size > 0 && first.attempts.size < MAX_ATTEMPTS) {
      const sinceMs = Math.max(...[...first.attempts.values()].map((attempt) => attempt.sinceMs))
      const isLate = performance.now() - sinceMs >= options.reassignMs
      if (isLate && this.#running < options.maxRequests && this.#hasRoom(this.bufferedBytes, true)) this.#start(first)
    }
    this.pump()
  }

  /** Whether what is needed first is held by nobody who may still be asked. */
  isHopeless(): boolean {
    const first = this.#init.jobs().find(({ isWhole }) => !isWhole)
    return first !== undefined && first.attempts.size === 0 && this.#suitable(first).length === 0
  }

  /** Ends what is under way for a job that is not needed any more. */
  cancel({ attempts }: Job): void {
    for (const { controller } of attempts.values()) controller.abort()
  }

  /** Ends all of it. */
  close(): void {
    this.#isOver = true
    for (const job of this.#init.jobs()) this.cancel(job)
  }

  #hasRoom(bytes: number, isFirst: boolean): boolean {
    const { maxAnswerBytes, maxBufferedBytes } = this.#init.options
    return bytes + maxAnswerBytes <= maxBufferedBytes - (isFirst ? 0 : maxAnswerBytes)
  }

  #suitable(job: Job): PeerRecord[] {
    return this.#init.table
      .usable()
      .filter((peer) => !job.absent.has(peer) && !job.attempts.has(peer) && job.suits(peer))
  }

  #start(job: Job): boolean {
    const { table, options } = this.#init
    const able = this.#suitable(job)
    // Of whom nothing came may be silent for as long as it is asked: only where nobody else may have it.
    const trusted = able.filter(({ isDeferred, isDoubted }) => !isDeferred && !isDoubted)
    const suitable = trusted.length > 0 ? trusted : able
    // A slow one only where there is none else: what it has is needed first sooner or later.
    const slowRate = table.slowRate()
    const good = suitable.filter(({ blocksPerSecond = slowRate }) => blocksPerSecond >= slowRate)
    const [peer] = (good.length > 0 ? good : suitable)
      .filter(({ requests }) => requests < options.maxRequestsPerPeer)
      .toSorted((a, b) => a.failures - b.failures || a.requests - b.requests || rateOf(b) - rateOf(a))
    if (peer === undefined) return false
    const controller = new AbortController()
    job.attempts.set(peer, { sinceMs: performance.now(), controller })
    peer.requests++
    this.#running++
    void this.#attempt(job, peer, controller)
    return true
  }

  /** Never rejects. */
  async #attempt(job: Job, peer: PeerRecord, controller: AbortController): Promise<void> {
    const { options, onChange } = this.#init
    const sinceMs = performance.now()
    let fetched: Fetched | undefined
    let error: unknown
    try {
      const signals = [controller.signal, peer.signal]
      const init = { what: job.what, timeoutMs: options.requestTimeoutMs, signals }
      fetched = await ask(init, (signal) => job.fetch(peer, signal))
    } catch (err) {
      error = err
    }
    job.attempts.delete(peer)
    peer.requests--
    this.#running--
    if (this.#isOver) return
    const tookMs = performance.now() - sinceMs
    if (fetched === undefined) peer.answers.took(0, tookMs)
    if (fetched !== undefined) this.#settle(job, peer, fetched, tookMs)
    else if (!controller.signal.aborted) this.#failed(peer, error)
    // Somebody else was faster; or else nobody needs it any more.
    else if (job.isWhole) peer.rate(0, tookMs)
    onChange()
    this.pump()
  }

  #failed(peer: PeerRecord, error: unknown): void {
    const { table } = this.#init
    if (isMalformed(error)) table.report(peer, 'malformed-answer', textOf(error))
    else if (peer.isUsable) table.failed(peer, textOf(error))
  }

  #settle(job: Job, peer: PeerRecord, fetched: Fetched, tookMs: number): void {
    if ('offence' in fetched) {
      this.#init.table.report(peer, fetched.offence, fetched.message)
      return
    }
    peer.failures = 0
    if (fetched.count === 0) job.absent.add(peer)
    else peer.rate(fetched.count, tookMs)
    if (job.isWhole) this.cancel(job)
  }
}

/** Who was never asked comes first: it cannot be known otherwise. A number that can be subtracted. */
function rateOf({ blocksPerSecond }: PeerRecord): number {
  return blocksPerSecond ?? Number.MAX_VALUE
}

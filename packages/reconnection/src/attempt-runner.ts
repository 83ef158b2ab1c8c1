import { AbortError, type Logger } from '@libp2p/interface'
import type { PeerBook } from './peer-book.ts'
import type { TrackedPeer } from './tracked-peer.ts'

/** What the runner asks of others. None of these may throw, but for `reach`, which says by it that an attempt failed. */
export interface AttemptHandlers {
  reach(peer: TrackedPeer, signal: AbortSignal): Promise<void>
  onBegin(peer: TrackedPeer): void
  onReached(peer: TrackedPeer): void
  onFailed(peer: TrackedPeer, error: unknown): void
  onCancelled(peer: TrackedPeer): void
}

/** Makes the attempts that are due, so many at once and no sooner than each is due. Has one timer for all peers. */
export class AttemptRunner {
  readonly #book: PeerBook
  readonly #maxConcurrent: number
  readonly #handlers: AttemptHandlers
  readonly #log: Logger
  readonly #running = new Map<TrackedPeer, AbortController>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isActive = false

  constructor(book: PeerBook, maxConcurrent: number, handlers: AttemptHandlers, log: Logger) {
    this.#book = book
    this.#maxConcurrent = maxConcurrent
    this.#handlers = handlers
    this.#log = log
  }

  start(): void {
    this.#isActive = true
    this.pump()
  }

  /** Calls off what is under way, and begins nothing more. */
  stop(): void {
    this.#isActive = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [peer, controller] of this.#running) {
      if (controller.signal.aborted) continue
      controller.abort(new AbortError('The attempt was called off'))
      peer.cancelled()
      this.#handlers.onCancelled(peer)
    }
  }

  /** Begins what is due, and sees to it that the next is not missed. To be called whenever something changed. */
  pump(): void {
    if (!this.#isActive) return
    const now = performance.now()
    // Whoever is told of an attempt may call for a stop.
    while (this.#isActive && this.#running.size < this.#maxConcurrent) {
      const peer = this.#book.nextDue(now, (one) => this.#running.has(one))
      if (peer === undefined) break
      if (peer.begin()) this.#inBackground(this.#attempt(peer))
    }
    this.#arm(now)
  }

  #arm(now: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    // At the limit, the end of an attempt goes on from here.
    if (!this.#isActive || this.#running.size >= this.#maxConcurrent) return
    const at = this.#book.nextDueAt(now)
    if (at !== Infinity) this.#timer = setTimeout(() => this.pump(), Math.ceil(at - now))
  }

  async #attempt(peer: TrackedPeer): Promise<void> {
    const controller = new AbortController()
    this.#running.set(peer, controller)
    let failure: { error: unknown } | undefined
    try {
      this.#handlers.onBegin(peer)
      await this.#handlers.reach(peer, controller.signal)
    } catch (error) {
      failure = { error }
    }
    this.#running.delete(peer)
    try {
      if (controller.signal.aborted) return
      if (failure === undefined) this.#handlers.onReached(peer)
      else this.#handlers.onFailed(peer, failure.error)
    } finally {
      this.pump()
    }
  }

  #inBackground(work: Promise<void>): void {
    work.catch((err: unknown) => this.#log.error('could not take the outcome of an attempt - %e', err))
  }
}

import type { PeerReport, PeerStatus, Reason } from '@gridmesh/interfaces'
import { FLOOD_REPORT_GAP_MS } from './constants.ts'
import { HandshakeViolationError } from './errors.ts'
import type { Channel } from './exchange.ts'
import { FrameBudget } from './frame-budget.ts'
import type { Frame } from './frame.ts'
import { sleep } from './timing.ts'

/** What a kept stream tells. */
export interface KeptStreamListener {
  status(status: PeerStatus): void
  goodbye(reason: Reason): void
  report(report: PeerReport): void
}

/** The stream of a handshake once both sides are ready: statuses both ways, and the goodbye. */
export class KeptStream {
  readonly #channel: Channel
  readonly #listener: KeptStreamListener
  readonly #maxStatusPerSecond: number
  readonly #budget: FrameBudget
  #reportedAt = -Infinity
  #unsent: PeerStatus | undefined
  #isSending = false

  constructor(channel: Channel, listener: KeptStreamListener, maxStatusPerSecond: number) {
    this.#channel = channel
    this.#listener = listener
    this.#maxStatusPerSecond = maxStatusPerSecond
    this.#budget = new FrameBudget(maxStatusPerSecond)
  }

  /** Reads until a goodbye came. Rejects when the stream ends without one. */
  async serve(signal: AbortSignal): Promise<void> {
    for (;;) {
      const frame = await this.#channel.read()
      await this.#pace(signal)
      this.#take(frame)
      if (frame.kind === 'goodbye') return
    }
  }

  /** Sends our status; while the peer does not read, only the newest is kept. Rejects when it could not be sent. */
  async announce(status: PeerStatus): Promise<void> {
    this.#unsent = status
    if (this.#isSending) return
    this.#isSending = true
    try {
      while (this.#unsent != null) {
        const next = this.#unsent
        this.#unsent = undefined
        await this.#channel.write({ kind: 'status', status: next })
      }
    } finally {
      this.#isSending = false
    }
  }

  /** Stops reading for as long as the peer is ahead of its budget, so that a flood costs the flooder, not us. */
  async #pace(signal: AbortSignal): Promise<void> {
    const earlyMs = this.#budget.charge()
    if (earlyMs === 0) return
    const now = performance.now()
    if (now - this.#reportedAt >= FLOOD_REPORT_GAP_MS) {
      this.#reportedAt = now
      const evidence = `status messages above maxStatusPerSecond, which is ${this.#maxStatusPerSecond}`
      this.#listener.report({ class: 'rate-limited', evidence })
    }
    await sleep(earlyMs, signal)
  }

  #take(frame: Frame): void {
    switch (frame.kind) {
      case 'status':
        this.#listener.status(frame.status)
        break
      case 'goodbye':
        this.#listener.goodbye(frame.reason)
        break
      case 'unknown':
        break
      case 'hello':
      case 'verdict':
        throw new HandshakeViolationError('out-of-order', `${frame.kind} came after the handshake`)
    }
  }
}

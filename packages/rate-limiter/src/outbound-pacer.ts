import { QueueFullError, type Quota, type RateCost, type PacingOptions } from '@gridmesh/interfaces'
import { AbortError } from '@libp2p/interface'
import {
  DEFAULT_MAX_KEYS,
  DEFAULT_MAX_WAIT_MS,
  DEFAULT_MAX_WAITERS_PER_PEER,
  DEFAULT_OUTBOUND_BURST_MS,
} from './constants.ts'
import { checkCosts, messagesIn, ONE_MESSAGE } from './cost.ts'
import { ForwardClock } from './forward-clock.ts'
import type { OutboundPacerInit } from './index.ts'
import { positive, positiveInteger } from './limits.ts'
import type { PacingContext } from './paced-sends.ts'
import { PeerSends } from './peer-sends.ts'

/**
 * Keeps sends within the quota that each peer announced, without libp2p. `K` names a peer by its `toString`.
 *
 * In any window of `w` seconds no more than `max(burst, largest single cost) + rate × w` passes to one peer, where
 * `burst` is `outboundBurstMs` of the announced rate. A rate that is not a finite number above 0 counts as none. Sends
 * of the lane `critical` pass by this measure for themselves, and wait for no other lane; of the others the more
 * urgent ones pass first.
 */
export class OutboundPacer<K extends { toString(): string }> {
  readonly #quotaOf: (peer: K) => Quota | undefined
  readonly #maxKeys: number
  readonly #context: PacingContext
  readonly #peers = new Map<string, PeerSends>()
  #isStarted = false

  /**
   * Creates a pacer that reads each quota by `quotaOf` whenever it decides.
   *
   * @throws {RangeError} when an option is not a finite number above 0, or a count is not whole
   */
  constructor(quotaOf: (peer: K) => Quota | undefined, init: OutboundPacerInit = {}) {
    const { outboundBurstMs = DEFAULT_OUTBOUND_BURST_MS, maxWaitersPerPeer = DEFAULT_MAX_WAITERS_PER_PEER } = init
    const { maxWaitMs = DEFAULT_MAX_WAIT_MS, maxKeys = DEFAULT_MAX_KEYS } = init
    const clock = new ForwardClock()
    this.#quotaOf = quotaOf
    this.#maxKeys = positiveInteger('maxKeys', maxKeys)
    this.#context = {
      burstMs: positive('outboundBurstMs', outboundBurstMs),
      maxWaiters: positiveInteger('maxWaitersPerPeer', maxWaitersPerPeer),
      maxWaitMs: positive('maxWaitMs', maxWaitMs),
      nowMs: () => clock.read(performance.now()),
      isStarted: () => this.#isStarted,
    }
  }

  /** Peers held: those that were sent to not long ago. */
  get size(): number {
    return this.#peers.size
  }

  /** Sends that wait, to all peers together. */
  get waiting(): number {
    let waiting = 0
    for (const sends of this.#peers.values()) waiting += sends.waiting
    return waiting
  }

  /** Lets sends wait from now on. Before, one that cannot pass at once fails. */
  start(): void {
    this.#isStarted = true
  }

  /** Fails every send that waits with an `AbortError`. What was charged stays charged. */
  stop(): void {
    this.#isStarted = false
    for (const sends of this.#peers.values()) sends.clear(new AbortError('The rate limiter has stopped'))
  }

  /**
   * Resolves as soon as `cost` is within the quota of `peer`: at once where none is known, else after all earlier
   * sends to that peer in the same lane or a more urgent one; `critical` is counted apart. A cost above the burst passes
   * when nothing is owed. Stream opens have no quota.
   *
   * @throws {RangeError} when a cost is not a finite number of 0 or more
   * @throws {QueueFullError} when `maxWaitersPerPeer` sends to the peer wait and none is less urgent, when this one
   *   has to make way for a more urgent one, or when `maxKeys` peers are held
   * @throws {TimeoutError} (libp2p's) when `maxWaitMs` have passed
   * @throws {NotStartedError} (libp2p's) when it would have to wait and the pacer is not started
   * @throws {AbortError} (libp2p's) when the pacer stops; the reason of `options.signal` when that aborts
   */
  async whenAllowed(peer: K, cost: RateCost = ONE_MESSAGE, options: PacingOptions = {}): Promise<void> {
    const { bytes = 0, streams = 0 } = cost
    const messages = messagesIn(cost)
    checkCosts(messages, bytes, streams)
    const { lane = 'normal', signal } = options
    signal?.throwIfAborted()

    const key = peer.toString()
    let sends = this.#peers.get(key)
    if (sends === undefined) {
      if (this.#quotaOf(peer) === undefined) return
      if (this.#peers.size >= this.#maxKeys) this.sweep()
      if (this.#peers.size >= this.#maxKeys) throw new QueueFullError('maxKeys', this.#maxKeys)
      sends = new PeerSends(this.#context, () => this.#quotaOf(peer))
      this.#peers.set(key, sends)
    }
    await sends.of(lane).pass({ lane, messages, bytes }, signal)
  }

  /** Forgets every peer to which nothing is owed any more, or of which no quota is known, and for which nobody waits. */
  sweep(): void {
    for (const [key, sends] of this.#peers) {
      if (sends.isIdle()) this.#peers.delete(key)
    }
  }
}

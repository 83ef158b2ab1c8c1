import type { Lane, RateCost, RateVerdict } from '@gridmesh/interfaces'
import { DEFAULT_MAX_KEYS, DEFAULT_TOTAL_MESSAGES_PER_SECOND, ROOM_INTERVAL_MS } from './constants.ts'
import { checkCosts, messagesIn, ONE_MESSAGE } from './cost.ts'
import { ForwardClock } from './forward-clock.ts'
import type { TrafficLimiterInit } from './index.ts'
import { limitOf, positiveInteger, resolveLimit, resolveLimits, type TrafficLimits } from './limits.ts'
import { TotalMeter } from './total-meter.ts'
import { UsageTable } from './usage-table.ts'

/** Shared by all that passes, so that passing allocates nothing. */
const OK: RateVerdict = Object.freeze({ ok: true })

/** The peers seen on one protocol, and the limits they share. */
interface ProtocolPeers {
  readonly limits: TrafficLimits
  /** Slot in the usage table by peer. */
  readonly slots: Map<string, number>
}

/**
 * Limits messages, bytes and stream opens per peer and protocol, and messages in all, without libp2p.
 *
 * In any window of `w` seconds a key passes no more than `max(burst, largest single cost) + rate × w` of each, and all
 * keys together no more than `totalMessagesBurst + totalMessagesPerSecond × w` messages of the lane `critical`, and as
 * many of all other lanes, to within floating-point rounding. Only time that went forward counts. `take` is constant
 * time.
 */
export class TrafficLimiter {
  readonly #clock = new ForwardClock()
  readonly #limits: TrafficLimits
  readonly #overrides = new Map<string, TrafficLimits>()
  readonly #critical: TotalMeter
  readonly #others: TotalMeter
  readonly #maxKeys: number
  // By protocol first: there are few, each brings its limits along, and no key has to be put together for a look-up.
  readonly #protocols = new Map<string, ProtocolPeers>()
  readonly #usage = new UsageTable()
  #size = 0
  #roomSoughtAtMs = -ROOM_INTERVAL_MS

  /** @throws {RangeError} when a limit is not a finite number above 0, or `maxKeys` is not whole */
  constructor(init: TrafficLimiterInit = {}) {
    const { totalMessagesPerSecond, totalMessagesBurst, protocols = {}, maxKeys = DEFAULT_MAX_KEYS } = init
    this.#limits = resolveLimits(init)
    for (const [protocol, own] of Object.entries(protocols)) {
      this.#overrides.set(protocol, resolveLimits(own, this.#limits))
    }
    const usual = limitOf(DEFAULT_TOTAL_MESSAGES_PER_SECOND)
    const total = resolveLimit('totalMessages', totalMessagesPerSecond, totalMessagesBurst, usual)
    this.#critical = new TotalMeter(total)
    this.#others = new TotalMeter(total)
    this.#maxKeys = positiveInteger('maxKeys', maxKeys)
  }

  /** Keys held: pairs of peer and protocol that owed something when last charged or swept. */
  get size(): number {
    return this.#size
  }

  /**
   * Charges all of `cost`, or charges nothing and tells which limit refused. A part of the cost above its burst passes
   * when the key owes nothing of that kind, and is paid off afterwards. Messages above `totalMessagesBurst` never pass.
   * `atMs` is the time of any clock, as long as it is always the same; a caller with many messages may read it once.
   * `lane` tells by which total it is measured, `normal` by default.
   *
   * @throws {RangeError} when a cost is not a finite number of 0 or more
   */
  take(
    peer: string,
    protocol: string,
    cost: RateCost = ONE_MESSAGE,
    atMs: number = performance.now(),
    lane: Lane = 'normal',
  ): RateVerdict {
    const { bytes = 0, streams = 0 } = cost
    const messages = messagesIn(cost)
    checkCosts(messages, bytes, streams)

    const nowMs = this.#clock.read(atMs)
    const total = lane === 'critical' ? this.#critical : this.#others
    const peers = this.#protocols.get(protocol)
    const slot = peers?.slots.get(peer)
    if (peers === undefined || slot === undefined) {
      return this.#takeFirst(peer, protocol, { messages, bytes, streams }, total, nowMs)
    }
    if (total.hasRoom(messages, nowMs) && this.#usage.tryCharge(slot, peers.limits, messages, bytes, streams, nowMs)) {
      total.charge(messages)
      return OK
    }
    // Where a key is over its own limit as well, that is the one to name: it is the peer's to keep.
    const { limit, value, waitMs } = this.#usage.excess(slot, peers.limits, messages, bytes, streams, nowMs)
    return waitMs > 0 ? { ok: false, limit, value, retryAfterMs: waitMs } : refuseBy(total, messages)
  }

  /** Forgets every key that owes nothing any more: a new one would be no different. `atMs` is as in `take`. */
  sweep(atMs: number = performance.now()): void {
    this.#sweep(this.#clock.read(atMs))
  }

  /** Takes for a key that is not held. It owes nothing, so its own limits let it pass; a refusal leaves no trace. */
  #takeFirst(peer: string, protocol: string, cost: Required<RateCost>, total: TotalMeter, nowMs: number): RateVerdict {
    // Forgetting a key that still owes would hand it a full bucket, so the new key is refused.
    if (this.#size >= this.#maxKeys && !this.#makeRoom(nowMs)) {
      const retryAfterMs = Math.max(1, Math.ceil(this.#roomSoughtAtMs + ROOM_INTERVAL_MS - nowMs))
      return { ok: false, limit: 'maxKeys', value: this.#maxKeys, retryAfterMs }
    }
    const { messages, bytes, streams } = cost
    if (!total.hasRoom(messages, nowMs)) return refuseBy(total, messages)

    let peers = this.#protocols.get(protocol)
    if (peers === undefined) {
      peers = { limits: this.#overrides.get(protocol) ?? this.#limits, slots: new Map() }
      this.#protocols.set(protocol, peers)
    }
    const slot = this.#usage.add(nowMs)
    this.#usage.tryCharge(slot, peers.limits, messages, bytes, streams, nowMs)
    total.charge(messages)
    peers.slots.set(peer, slot)
    this.#size += 1
    return OK
  }

  #makeRoom(nowMs: number): boolean {
    if (nowMs - this.#roomSoughtAtMs < ROOM_INTERVAL_MS) return false
    this.#roomSoughtAtMs = nowMs
    this.#sweep(nowMs)
    return this.#size < this.#maxKeys
  }

  #sweep(nowMs: number): void {
    for (const [protocol, { limits, slots }] of this.#protocols) {
      for (const [peer, slot] of slots) {
        if (!this.#usage.isIdle(slot, limits, nowMs)) continue
        slots.delete(peer)
        this.#usage.remove(slot)
        this.#size -= 1
      }
      if (slots.size === 0) this.#protocols.delete(protocol)
    }
  }
}

function refuseBy(total: TotalMeter, messages: number): RateVerdict {
  const { perSecond, burst } = total.limit
  const retryAfterMs = total.waitMs(messages)
  if (messages > burst) return { ok: false, limit: 'totalMessagesBurst', value: burst, retryAfterMs }
  return { ok: false, limit: 'totalMessagesPerSecond', value: perSecond, retryAfterMs }
}

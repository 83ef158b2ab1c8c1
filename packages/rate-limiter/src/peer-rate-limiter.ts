import {
  type Lane,
  optional,
  type PacingOptions,
  type RateCost,
  type RateVerdict,
  requireName,
} from '@gridmesh/interfaces'
import {
  serviceCapabilities,
  TypedEventEmitter,
  type CounterGroup,
  type Logger,
  type PeerId,
  type Startable,
} from '@libp2p/interface'
import { DEFAULT_MAX_KEYS, DEFAULT_SWEEP_INTERVAL_MS, MAX_TIMER_MS, REPORT_INTERVAL_MS } from './constants.ts'
import { ForwardClock } from './forward-clock.ts'
import type { PeerLimitDetail, PeerLimits, PeerLimitsComponents, PeerLimitsEvents, RateLimiterInit } from './index.ts'
import { positive } from './limits.ts'
import { OncePer } from './once-per.ts'
import { OutboundPacer } from './outbound-pacer.ts'
import { TrafficLimiter } from './traffic-limiter.ts'

/** The limits that a peer exceeds by itself. It is not to blame for what all peers do together. */
const OWN_LIMITS: ReadonlySet<string> = new Set(['messagesPerSecond', 'bytesPerSecond', 'streamsPerSecond'])

/** The limiter as a libp2p service. */
export class PeerRateLimiter extends TypedEventEmitter<PeerLimitsEvents> implements PeerLimits, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/rate-limiter'
  readonly [serviceCapabilities] = ['@gridmesh/rate-limiter']
  readonly #components: PeerLimitsComponents
  readonly #log: Logger
  readonly #refused: CounterGroup | undefined
  readonly #inbound: TrafficLimiter
  readonly #outbound: OutboundPacer<PeerId>
  readonly #reportClock = new ForwardClock()
  readonly #reports: OncePer
  readonly #sweepIntervalMs: number
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(components: PeerLimitsComponents, init: RateLimiterInit = {}) {
    super()
    const { sweepIntervalMs = DEFAULT_SWEEP_INTERVAL_MS, maxKeys = DEFAULT_MAX_KEYS } = init
    this.#components = components
    this.#log = components.logger.forComponent('gridmesh:rate-limiter')
    this.#inbound = new TrafficLimiter(init)
    this.#outbound = new OutboundPacer((peer) => optional(this.#components, 'handshake')?.get(peer)?.quota, init)
    this.#reports = new OncePer(REPORT_INTERVAL_MS, maxKeys)
    this.#sweepIntervalMs = Math.min(positive('sweepIntervalMs', sweepIntervalMs), MAX_TIMER_MS)

    this.#refused = components.metrics?.registerCounterGroup('gridmesh_rate_limiter_refused_total', { label: 'limit' })
    components.metrics?.registerMetric('gridmesh_rate_limiter_held_keys', { calculate: () => this.#inbound.size })
    components.metrics?.registerMetric('gridmesh_rate_limiter_waiting_sends', {
      calculate: () => this.#outbound.waiting,
    })
  }

  /** @throws {ServiceNameError} when no service is named `rateLimiter` */
  start(): void {
    requireName(this.#components, 'rateLimiter')
    this.#outbound.start()
    this.#timer ??= setInterval(() => this.#sweep(), this.#sweepIntervalMs)
  }

  /** Keeps what peers owe: a restart is no way to a full bucket. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#outbound.stop()
    this.#reports.clear()
  }

  take(peer: PeerId, protocol: string, cost?: RateCost, lane?: Lane): RateVerdict {
    const verdict = this.#inbound.take(peer.toString(), protocol, cost, undefined, lane)
    if (!verdict.ok) this.#onRefused({ peer, protocol, limit: verdict.limit, value: verdict.value })
    return verdict
  }

  async whenAllowed(peer: PeerId, cost?: RateCost, options?: PacingOptions): Promise<void> {
    await this.#outbound.whenAllowed(peer, cost, options)
  }

  #onRefused(detail: PeerLimitDetail): void {
    const { peer, protocol, limit, value } = detail
    this.#log.trace('refused %p on %s over %s, which is %d', peer, protocol, limit, value)
    this.#refused?.increment({ [limit]: true })
    this.safeDispatchEvent('peer:limit', { detail })
    if (!OWN_LIMITS.has(limit)) return
    if (!this.#reports.tryPass(peer.toString(), this.#reportClock.read(performance.now()))) return
    const evidence = `over ${limit}, which is ${value}, on ${protocol}`
    optional(this.#components, 'peerManager')?.report(peer, { class: 'rate-limited', evidence })
  }

  #sweep(): void {
    this.#inbound.sweep()
    this.#outbound.sweep()
  }
}

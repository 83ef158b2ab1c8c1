import { LANES, optional, type Lane, type PeerRecord, type Traffic } from '@gridmesh/interfaces'
import type { CounterGroup } from '@libp2p/interface'
import type { MetricsComponents } from './index.ts'
import type { Instruments } from './instruments.ts'
import { SeriesLimit } from './series-limit.ts'
import type { Shared } from './shelf.ts'

const WAYS = ['messagesIn', 'messagesOut', 'bytesIn', 'bytesOut'] as const
type Way = (typeof WAYS)[number]

const LANE_METRICS: Readonly<Record<Way, { what: string; help: string }>> = {
  messagesIn: { what: 'received_messages', help: 'Messages received, by lane' },
  messagesOut: { what: 'sent_messages', help: 'Messages sent, by lane' },
  bytesIn: { what: 'received_bytes', help: 'Bytes of messages received, by lane' },
  bytesOut: { what: 'sent_bytes', help: 'Bytes of messages sent, by lane' },
}

type ValueOf = (peer: PeerRecord) => number | undefined
type Reduce = (values: readonly number[]) => number

const REGION_METRICS: readonly { what: string; help: string; valueOf: ValueOf; reduce: Reduce }[] = [
  { what: 'peers', help: 'Ready peers, by region', valueOf: () => 1, reduce: (values) => values.length },
  {
    what: 'health_ratio',
    help: 'Mean health of ready peers, 0 to 1, by region',
    valueOf: ({ health }) => (health == null ? undefined : health / 100),
    reduce: mean,
  },
  {
    what: 'latency_seconds',
    help: 'Mean round trip to ready peers, by region',
    valueOf: ({ latencyMs }) => (latencyMs == null ? undefined : latencyMs / 1_000),
    reduce: mean,
  },
]

/** Measures what no single service sees: churn, traffic by lane, and how each region does. */
export class NetworkMetrics {
  readonly #components: MetricsComponents
  readonly #churn: CounterGroup
  readonly #lanes: Readonly<Record<Way, CounterGroup>>
  /** Traffic of each peer when it was last looked at; as long as the registry of peers, which is bounded. */
  #lastTraffic = new Map<string, PeerRecord['traffic']>()
  readonly #connected = (): void => this.#churn.increment({ connect: true })
  readonly #disconnected = (): void => this.#churn.increment({ disconnect: true })

  constructor(
    components: MetricsComponents,
    instruments: Instruments,
    shared: Pick<Shared, 'limits' | 'onOverflow'>,
    regions: readonly string[],
  ) {
    this.#components = components
    this.#churn = instruments.counterGroup.take('gridmesh_metrics_peer_churn_total', {
      label: 'event',
      help: 'Peers that connected and disconnected',
    })
    const lane = (way: Way): CounterGroup => {
      const { what, help } = LANE_METRICS[way]
      return instruments.counterGroup.take(`gridmesh_metrics_lane_${what}_total`, { label: 'lane', help })
    }
    this.#lanes = {
      messagesIn: lane('messagesIn'),
      messagesOut: lane('messagesOut'),
      bytesIn: lane('bytesIn'),
      bytesOut: lane('bytesOut'),
    }
    this.#registerRegions(instruments, shared, regions)
  }

  start(): void {
    // Adding the same listener again does nothing.
    this.#components.events.addEventListener('peer:connect', this.#connected)
    this.#components.events.addEventListener('peer:disconnect', this.#disconnected)
  }

  stop(): void {
    this.#components.events.removeEventListener('peer:connect', this.#connected)
    this.#components.events.removeEventListener('peer:disconnect', this.#disconnected)
    this.collect()
  }

  /** Counts the traffic since the last call; what a peer did after it, before it was forgotten, is lost. */
  collect(): void {
    const current = new Map<string, PeerRecord['traffic']>()
    for (const [id, { traffic }] of this.#peers()) {
      current.set(id, traffic)
      const before = this.#lastTraffic.get(id)
      if (traffic === before) continue
      for (const lane of LANES) this.#count(lane, traffic[lane], before?.[lane])
    }
    this.#lastTraffic = current
  }

  #count(lane: Lane, now: Traffic, before: Traffic | undefined): void {
    for (const way of WAYS) {
      // A peer that was forgotten in between and came back starts again from 0.
      const more = now[way] - (before?.[way] ?? 0)
      const change = more >= 0 ? more : now[way]
      if (change > 0) this.#lanes[way].increment({ [lane]: change })
    }
  }

  #registerRegions(
    { metricGroup }: Instruments,
    { limits, onOverflow }: Pick<Shared, 'limits' | 'onOverflow'>,
    regions: readonly string[],
  ): void {
    for (const { what, help, valueOf, reduce } of REGION_METRICS) {
      const name = `gridmesh_metrics_region_${what}`
      const limit = new SeriesLimit(limits, () => onOverflow(name))
      for (const region of regions) limit.admit(region)
      metricGroup.take(name, { label: 'region', help, calculate: () => this.#byRegion(limit, valueOf, reduce) })
    }
  }

  #byRegion(limit: SeriesLimit, valueOf: ValueOf, reduce: Reduce): Record<string, number> {
    const values = new Map<string, number[]>()
    for (const [, peer] of this.#peers()) {
      const value = valueOf(peer)
      if (peer.state !== 'ready' || peer.hello == null || value == null) continue
      // Peers name their region themselves. Those above the limit share one mean, which cannot be had from theirs.
      const region = limit.admit(peer.hello.region)
      const known = values.get(region)
      if (known == null) values.set(region, [value])
      else known.push(value)
    }
    return Object.fromEntries([...values].map(([name, all]) => [name, reduce(all)]))
  }

  #peers(): Iterable<[string, PeerRecord]> {
    return optional(this.#components, 'peerManager')?.peers ?? []
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

import type { BroadcastStrategy } from '@gridmesh/interfaces'
import type { Counter, CounterGroup, Histogram } from '@libp2p/interface'
import type { BroadcastComponents } from './index.ts'
import type { RefusalReason } from './refusal.ts'

/** Reasons that are a label of their own: others may be invented by remote peers, and labels must stay few. */
const KNOWN_REASONS = new Set([
  'aborted',
  'busy',
  'gossip-failed',
  'ignored',
  'link-lost',
  'malformed',
  'no-link',
  'no-unicast',
  'not-ready',
  'not-subscribed',
  'queue-full',
  'rate-limited',
  'rejected',
  'self',
  'stopped',
  'timeout',
  'too-large',
  'unknown-handler',
  'unreachable',
  'wrong-network',
])

/** Counters of the package; they do nothing where libp2p has no metrics. */
export class BroadcastMetrics {
  readonly #published: CounterGroup | undefined
  readonly #delivered: CounterGroup | undefined
  readonly #topics: CounterGroup | undefined
  readonly #duplicates: CounterGroup | undefined
  readonly #refused: CounterGroup | undefined
  readonly #handlerFailures: Counter | undefined
  readonly #dropped: CounterGroup | undefined
  readonly #acks: CounterGroup | undefined
  readonly #ackSeconds: Histogram | undefined

  constructor(metrics: BroadcastComponents['metrics']) {
    const group = (what: string, label: string, help: string): CounterGroup | undefined =>
      metrics?.registerCounterGroup(`gridmesh_broadcast_${what}_total`, { label, help })
    this.#published = group('published_messages', 'strategy', 'Messages published, by strategy')
    this.#delivered = group('delivered_messages', 'via', 'Messages that handlers accepted, by the way they came')
    this.#topics = group('topic_messages', 'topic', 'Messages that handlers accepted, by topic')
    this.#duplicates = group('duplicate_messages', 'via', 'Copies of known messages, by the way they came')
    this.#refused = group('refused_messages', 'reason', 'Messages that came in and were not taken')
    this.#handlerFailures = metrics?.registerCounter('gridmesh_broadcast_handler_failures_total', {
      help: 'Handlers that threw, overran their deadline, or returned no verdict',
    })
    this.#dropped = group('dropped_sends', 'reason', 'Sends to a peer that came to nothing')
    this.#acks = group('acknowledgements', 'what', 'Acknowledged message ids: sent, received, unknown, limited')
    this.#ackSeconds = metrics?.registerHistogram('gridmesh_broadcast_acknowledgement_seconds', {
      help: 'From publish until a peer acknowledged the message',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    })
  }

  published(strategy: BroadcastStrategy): void {
    this.#published?.increment({ [strategy]: true })
  }

  /** Topics are those we subscribe to, so a remote peer cannot add one. */
  delivered(via: BroadcastStrategy, topic: string): void {
    this.#delivered?.increment({ [via]: true })
    this.#topics?.increment({ [topic]: true })
  }

  duplicate(via: BroadcastStrategy): void {
    this.#duplicates?.increment({ [via]: true })
  }

  refused(reason: RefusalReason): void {
    this.#refused?.increment({ [reason]: true })
  }

  handlerFailed(): void {
    this.#handlerFailures?.increment()
  }

  dropped(reason: string): void {
    this.#dropped?.increment({ [KNOWN_REASONS.has(reason) ? reason : 'other']: true })
  }

  acks(what: 'sent' | 'received' | 'unknown' | 'limited', count: number): void {
    if (count > 0) this.#acks?.increment({ [what]: count })
  }

  acknowledgedAfter(elapsedMs: number): void {
    this.#ackSeconds?.observe(elapsedMs / 1_000)
  }
}

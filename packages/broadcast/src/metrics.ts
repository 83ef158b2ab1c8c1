import type { BroadcastStrategy } from '@gridmesh/interfaces'
import type { Counter, CounterGroup, Histogram } from '@libp2p/interface'
import type { BroadcastComponents } from './index.ts'
import type { PullFailure } from './pull.ts'
import type { RefusalReason } from './refusal.ts'
import type { Control } from './tree-codec.ts'

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
  'unavailable',
  'unknown-handler',
  'unreachable',
  'wrong-network',
])

/** Counters of the package; they do nothing where libp2p has no metrics. */
export class BroadcastMetrics {
  readonly #published: CounterGroup | undefined
  readonly #unheard: Counter | undefined
  readonly #delivered: CounterGroup | undefined
  readonly #topics: CounterGroup | undefined
  readonly #duplicates: CounterGroup | undefined
  readonly #refused: CounterGroup | undefined
  readonly #handlerFailures: Counter | undefined
  readonly #dropped: CounterGroup | undefined
  readonly #acks: CounterGroup | undefined
  readonly #treeControl: CounterGroup | undefined
  readonly #ackSeconds: Histogram | undefined
  readonly #pulls: CounterGroup | undefined
  readonly #pulledBytes: Counter | undefined
  readonly #pullSeconds: Histogram | undefined
  readonly #chunkRequests: CounterGroup | undefined
  readonly #served: CounterGroup | undefined
  readonly #servedBytes: Counter | undefined

  constructor(metrics: BroadcastComponents['metrics']) {
    const group = (what: string, label: string, help: string): CounterGroup | undefined =>
      metrics?.registerCounterGroup(`gridmesh_broadcast_${what}_total`, { label, help })
    this.#published = group('published_messages', 'strategy', 'Messages published, by strategy')
    this.#unheard = metrics?.registerCounter('gridmesh_broadcast_unheard_messages_total', {
      help: 'Messages published that reached nobody',
    })
    this.#delivered = group('delivered_messages', 'via', 'Messages that handlers accepted, by the way they came')
    this.#topics = group('topic_messages', 'topic', 'Messages that handlers accepted, by topic')
    this.#duplicates = group('duplicate_messages', 'via', 'Copies of known messages, by the way they came')
    this.#refused = group('refused_messages', 'reason', 'Messages that came in and were not taken')
    this.#handlerFailures = metrics?.registerCounter('gridmesh_broadcast_handler_failures_total', {
      help: 'Handlers that threw, overran their deadline, or returned no verdict',
    })
    this.#dropped = group('dropped_sends', 'reason', 'Sends to a peer that came to nothing')
    this.#acks = group('acknowledgements', 'what', 'Acknowledged message ids: sent, received, unknown, limited')
    this.#treeControl = group(
      'tree_control_ids',
      'what',
      'Message ids sent to neighbours of trees: ihave, graft, prune',
    )
    this.#ackSeconds = metrics?.registerHistogram('gridmesh_broadcast_acknowledgement_seconds', {
      help: 'From publish until a peer acknowledged the message',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    })
    this.#pulls = group('pulls', 'outcome', 'Announced payloads that were pulled, by what became of it')
    this.#pulledBytes = metrics?.registerCounter('gridmesh_broadcast_pulled_bytes_total', {
      help: 'Bytes of announced payloads that came and were checked',
    })
    this.#pullSeconds = metrics?.registerHistogram('gridmesh_broadcast_pull_seconds', {
      help: 'From the announcement of a payload until it was whole',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    })
    this.#chunkRequests = group('chunk_requests', 'outcome', 'Requests for chunks, by what became of them')
    this.#served = group('served_chunk_requests', 'outcome', 'Requests of peers for chunks: given, absent')
    this.#servedBytes = metrics?.registerCounter('gridmesh_broadcast_served_bytes_total', {
      help: 'Bytes of chunks given to peers, proofs included',
    })
  }

  published(strategy: BroadcastStrategy): void {
    this.#published?.increment({ [strategy]: true })
  }

  unheard(): void {
    this.#unheard?.increment()
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

  treeControl({ ihave = [], graft = [], prune = [] }: Partial<Control>): void {
    this.#treeControl?.increment({ ihave: ihave.length, graft: graft.length, prune: prune.length })
  }

  acks(what: 'sent' | 'received' | 'unknown' | 'limited', count: number): void {
    if (count > 0) this.#acks?.increment({ [what]: count })
  }

  /** A pull has ended: `whole` after `elapsedMs`, or with a failure. */
  pulled(outcome: PullFailure | 'whole', bytes: number, elapsedMs?: number): void {
    this.#pulls?.increment({ [outcome]: true })
    this.#pulledBytes?.increment(bytes)
    if (elapsedMs !== undefined) this.#pullSeconds?.observe(elapsedMs / 1_000)
  }

  chunkRequest(outcome: 'given' | 'absent' | 'busy' | 'failed' | 'forged' | 'malformed' | 'timeout'): void {
    this.#chunkRequests?.increment({ [outcome]: true })
  }

  served(outcome: 'given' | 'absent', bytes: number): void {
    this.#served?.increment({ [outcome]: true })
    this.#servedBytes?.increment(bytes)
  }

  acknowledgedAfter(elapsedMs: number): void {
    this.#ackSeconds?.observe(elapsedMs / 1_000)
  }
}

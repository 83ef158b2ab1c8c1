import type { CounterGroup, HistogramGroup, Metrics } from '@libp2p/interface'
import type { CallOutcomes, Lane } from '@gridmesh/interfaces'

/** Upper bounds of the latency buckets, in seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Outcomes by name of error. The codes of remote errors are none: a remote could make up any number of them. */
const OUTCOMES: Readonly<Record<string, string>> = {
  AbortError: 'aborted',
  BusyError: 'busy',
  HandshakeRejectedError: 'handshake-rejected',
  LinkLostError: 'link-lost',
  QueueFullError: 'queue-full',
  RateLimitedError: 'rate-limited',
  RemoteError: 'remote-error',
  TimeoutError: 'timeout',
  UnknownHandlerError: 'unknown-handler',
  UnreachableError: 'unreachable',
}

/** The label under which a failed call is counted. */
export function outcomeOf(error: Error): string {
  return OUTCOMES[error.name] ?? 'failed'
}

/** Counts calls: in all, and by outcome where the node has metrics. */
export class UnicastMetrics {
  #answered = 0
  #failed = 0
  readonly #calls: CounterGroup | undefined
  readonly #handled: CounterGroup | undefined
  readonly #duration: HistogramGroup | undefined

  constructor(metrics: Metrics | undefined, gauges: () => Record<string, number>) {
    this.#calls = metrics?.registerCounterGroup('gridmesh_unicast_calls_total', {
      label: 'outcome',
      help: 'Calls made, by outcome: ok, or the sort of the error',
    })
    this.#handled = metrics?.registerCounterGroup('gridmesh_unicast_handled_total', {
      label: 'outcome',
      help: 'Calls answered, by outcome: ok, busy, rate-limited, unknown-handler or failed',
    })
    this.#duration = metrics?.registerHistogramGroup('gridmesh_unicast_call_duration_seconds', {
      label: 'lane',
      help: 'From a call to its answer',
      buckets: BUCKETS,
    })
    metrics?.registerMetricGroup('gridmesh_unicast_handlers_count', {
      label: 'state',
      help: 'Handlers running and waiting, and idempotency keys remembered',
      calculate: gauges,
    })
  }

  get outcomes(): CallOutcomes {
    return { answered: this.#answered, failed: this.#failed }
  }

  called(lane: Lane, outcome: string, durationMs: number): void {
    if (outcome === 'ok' || outcome === 'remote-error') this.#answered += 1
    else if (outcome !== 'aborted') this.#failed += 1
    this.#calls?.increment({ [outcome]: true })
    this.#duration?.observe({ [lane]: durationMs / 1_000 })
  }

  handled(outcome: 'ok' | 'busy' | 'rate-limited' | 'unknown-handler' | 'failed'): void {
    this.#handled?.increment({ [outcome]: true })
  }
}

import type { CounterGroup, Histogram, Metrics } from '@libp2p/interface'
import type { DialOutcome } from './tally.ts'

const CLIMB_BUCKETS = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800]

/** What the gauges show. */
export interface Gauges {
  peers(): { ready: number; outbound: number; linked: number; candidates: number; dialing: number }
  successRatio(): number
}

/** The metrics of the coordinator; all of them do nothing where the node has none. */
export class DiscoveryMetrics {
  readonly #dials: CounterGroup | undefined
  readonly #runs: CounterGroup | undefined
  readonly #candidates: CounterGroup | undefined
  readonly #feelers: CounterGroup | undefined
  readonly #timeToMinimum: Histogram | undefined
  readonly #timeToTarget: Histogram | undefined

  constructor(metrics: Metrics | undefined, gauges: Gauges) {
    metrics?.registerMetricGroup('gridmesh_discovery_coordinator_peers', {
      label: 'sort',
      help: 'Peers by sort: ready, outbound (those of them that we dialled), linked, candidates, dialing',
      calculate: () => gauges.peers(),
    })
    metrics?.registerMetric('gridmesh_discovery_coordinator_dial_success_ratio', {
      help: 'Learnt share of dials that succeed',
      calculate: () => gauges.successRatio(),
    })
    this.#dials = group(metrics, 'dials_total', 'outcome', 'Dials by outcome')
    this.#runs = group(metrics, 'failed_runs_total', 'strategy', 'Runs of strategies that failed')
    this.#candidates = group(metrics, 'candidates_total', 'strategy', 'New candidates by strategy')
    this.#feelers = group(metrics, 'feelers_total', 'outcome', 'Tests of unknown addresses by outcome')
    const climb = (line: string): Histogram | undefined =>
      metrics?.registerHistogram(`gridmesh_discovery_coordinator_time_to_${line}_seconds`, {
        help: `Time from losing the ${line} of peers, or the start, to reaching it`,
        buckets: CLIMB_BUCKETS,
      })
    this.#timeToMinimum = climb('minimum')
    this.#timeToTarget = climb('target')
  }

  dialled(outcome: DialOutcome): void {
    this.#dials?.increment({ [outcome]: true })
  }

  runFailed(strategy: string): void {
    this.#runs?.increment({ [strategy]: true })
  }

  candidate(strategy: string): void {
    this.#candidates?.increment({ [strategy]: true })
  }

  felt(outcome: DialOutcome): void {
    this.#feelers?.increment({ [outcome]: true })
  }

  minimumMet(tookMs: number): void {
    this.#timeToMinimum?.observe(tookMs / 1_000)
  }

  targetMet(tookMs: number): void {
    this.#timeToTarget?.observe(tookMs / 1_000)
  }
}

function group(metrics: Metrics | undefined, name: string, label: string, help: string): CounterGroup | undefined {
  return metrics?.registerCounterGroup(`gridmesh_discovery_coordinator_${name}`, { label, help })
}

import type { LoadLevel } from '@gridmesh/interfaces'
import type { Counter, CounterGroup, Histogram } from '@libp2p/interface'
import type { HealthMonitorComponents } from './index.ts'
import { LOAD_LEVELS } from './load-meter.ts'
import type { PingOutcome } from './ping-outcome.ts'

/** What the gauges are read from when somebody looks. */
export interface HealthGauges {
  load(): LoadLevel
  lagFactor(): number
  unhealthyPeers(): number
  partitionRisk(): number
}

/** The metrics of the health monitor; all of them do nothing where the node has none. */
export class HealthMetrics {
  readonly #pings: CounterGroup | undefined
  readonly #roundTrips: Histogram | undefined
  readonly #closed: Counter | undefined

  constructor(metrics: HealthMonitorComponents['metrics'], gauges: HealthGauges) {
    this.#pings = metrics?.registerCounterGroup('gridmesh_health_monitor_pings_total', {
      label: 'outcome',
      help: 'Pings by outcome: answered, unanswered, alive without ping, unmeasured',
    })
    this.#roundTrips = metrics?.registerHistogram('gridmesh_health_monitor_round_trip_seconds', {
      help: 'Round trips of answered pings',
    })
    this.#closed = metrics?.registerCounter('gridmesh_health_monitor_closed_total', {
      help: 'Links closed, for nothing had come from the peer',
    })
    metrics?.registerMetric('gridmesh_health_monitor_unhealthy_peers', {
      help: 'Linked peers that are unhealthy',
      calculate: () => gauges.unhealthyPeers(),
    })
    metrics?.registerMetric('gridmesh_health_monitor_load_level', {
      help: 'Load of this node: 0 normal, 1 busy, 2 overloaded',
      calculate: () => LOAD_LEVELS.indexOf(gauges.load()),
    })
    metrics?.registerMetric('gridmesh_health_monitor_lag_ratio', {
      help: 'How much later than asked timers fire, 1 when on time',
      calculate: () => gauges.lagFactor(),
    })
    metrics?.registerMetric('gridmesh_health_monitor_partition_risk_ratio', {
      help: 'Risk that the network is split, 0 to 1',
      calculate: () => gauges.partitionRisk(),
    })
  }

  ping(outcome: PingOutcome): void {
    this.#pings?.increment({ [outcome.kind]: true })
    if (outcome.kind === 'answered') this.#roundTrips?.observe(outcome.latencyMs / 1_000)
  }

  closed(): void {
    this.#closed?.increment()
  }
}

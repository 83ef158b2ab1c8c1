import type { CounterGroup, Metrics } from '@libp2p/interface'
import type { PoolState } from './pool-state.ts'
import { SLOTS } from './ticket.ts'

/** How an `acquire` or a probe went. */
export type DialOutcome = 'reused' | 'shared' | 'opened' | 'refused' | 'failed' | 'queue-full'

/** How our list of connections differed from libp2p's. */
export type Drift = 'unknown' | 'lost'

/** The metrics of the pool; all of them do nothing where the node has none. */
export class PoolMetrics {
  readonly #refused: CounterGroup | undefined
  readonly #evicted: CounterGroup | undefined
  readonly #dials: CounterGroup | undefined
  readonly #drift: CounterGroup | undefined

  constructor(
    metrics: Pick<Metrics, 'registerCounterGroup' | 'registerMetricGroup'> | undefined,
    { ledger }: PoolState,
    queue: () => { active: number; queued: number },
  ) {
    metrics?.registerMetricGroup('gridmesh_connection_pool_connections', {
      label: 'slot',
      help: 'Connections by the slot they hold; pending ones hold none yet',
      calculate: () => ({
        ...Object.fromEntries(SLOTS.map((slot) => [slot, ledger.used(slot)])),
        pending: ledger.pending(),
      }),
    })
    metrics?.registerMetricGroup('gridmesh_connection_pool_dials', {
      label: 'state',
      help: 'Dials of the pool: active and queued',
      calculate: () => ({ ...queue() }),
    })
    this.#refused = metrics?.registerCounterGroup('gridmesh_connection_pool_refused_total', {
      label: 'code',
      help: 'Refused connections and dials by reason code',
    })
    this.#evicted = metrics?.registerCounterGroup('gridmesh_connection_pool_evicted_total', {
      label: 'code',
      help: 'Evicted peers, and connections that newer ones of their peer replaced, by reason code',
    })
    this.#dials = metrics?.registerCounterGroup('gridmesh_connection_pool_acquired_total', {
      label: 'outcome',
      help: 'Calls for a connection by outcome',
    })
    this.#drift = metrics?.registerCounterGroup('gridmesh_connection_pool_drift_total', {
      label: 'kind',
      help: 'Differences from the connections that libp2p lists, found by the reconciliation',
    })
  }

  refused(code: string): void {
    this.#refused?.increment({ [code]: true })
  }

  evicted(code: string): void {
    this.#evicted?.increment({ [code]: true })
  }

  acquired(outcome: DialOutcome): void {
    this.#dials?.increment({ [outcome]: true })
  }

  drifted(kind: Drift): void {
    this.#drift?.increment({ [kind]: true })
  }
}

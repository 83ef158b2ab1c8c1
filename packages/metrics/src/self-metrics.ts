import type { CounterGroup, Logger } from '@libp2p/interface'
import type { Instruments } from './instruments.ts'
import type { Shared } from './shelf.ts'

const OVERFLOWED = 'gridmesh_metrics_overflowed_values_total'
const REFUSED = 'gridmesh_metrics_refused_values_total'
const FAILED = 'gridmesh_metrics_failed_calculations_total'

/** Counts what goes wrong on the way to a metric, since its owner is not told. */
export class SelfMetrics {
  readonly #log: Logger
  #overflowed: CounterGroup | undefined
  #refused: CounterGroup | undefined
  #failed: CounterGroup | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** What the instruments call. */
  readonly events: Pick<Shared, 'onOverflow' | 'onRefused' | 'onCalculateError'> = {
    onOverflow: (metric) => {
      // With more metrics than maxSeries this counter overflows too, and would go on counting that.
      if (metric !== OVERFLOWED) this.#overflowed?.increment({ [metric]: 1 })
    },
    onRefused: (metric) => this.#refused?.increment({ [metric]: 1 }),
    onCalculateError: (metric, err) => {
      this.#log.error('%s was not calculated - %e', metric, err)
      this.#failed?.increment({ [metric]: 1 })
    },
  }

  register({ counterGroup }: Instruments): void {
    const label = 'metric'
    this.#overflowed = counterGroup.take(OVERFLOWED, { label, help: 'Values counted under the label other' })
    this.#refused = counterGroup.take(REFUSED, { label, help: 'Values that no metric can hold' })
    this.#failed = counterGroup.take(FAILED, { label, help: 'Calculations that failed or were late' })
  }
}

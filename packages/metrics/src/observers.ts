import type { Histogram, HistogramGroup, StopTimer, Summary, SummaryGroup } from '@libp2p/interface'
import { each, secondsTimer, type InstrumentContext, type Values } from './values.ts'

/** Where an observer puts its values: buckets, or the quantiles of a summary. */
export interface Spread {
  observe(label: string, value: number): void
  clear(): void
}

/** Tells how values are spread. Histogram and summary differ only in where the values go. */
export class Observer implements Histogram, Summary {
  readonly #spread: Spread
  readonly #context: InstrumentContext

  constructor(spread: Spread, context: InstrumentContext) {
    this.#spread = spread
    this.#context = context
  }

  observe(value: number): void {
    if (Number.isFinite(value)) this.#spread.observe('', value)
    else this.#context.refuse()
  }

  reset(): void {
    this.#spread.clear()
  }

  timer(): StopTimer {
    return secondsTimer((seconds) => this.observe(seconds))
  }
}

/** Tells how values are spread, by label. */
export class ObserverLabels implements HistogramGroup, SummaryGroup {
  readonly #spread: Spread
  readonly #context: InstrumentContext

  constructor(spread: Spread, context: InstrumentContext) {
    this.#spread = spread
    this.#context = context
  }

  observe(values: Values): void {
    each(values, (key, value) => {
      if (Number.isFinite(value)) this.#spread.observe(this.#context.limit.admit(key), value)
      else this.#context.refuse()
    })
  }

  reset(): void {
    this.#spread.clear()
  }

  timer(key: string): StopTimer {
    return secondsTimer((seconds) => this.observe({ [key]: seconds }))
  }
}

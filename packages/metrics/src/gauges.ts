import type { Metric, MetricGroup, StopTimer } from '@libp2p/interface'
import type { Gauge } from 'prom-client'
import { each, secondsTimer, type InstrumentContext, type Values } from './values.ts'

/** One value that goes up and down. */
export class GaugeMetric implements Metric {
  readonly #gauge: Gauge
  readonly #context: InstrumentContext

  constructor(gauge: Gauge, context: InstrumentContext) {
    this.#gauge = gauge
    this.#context = context
  }

  update(value: number): void {
    if (Number.isFinite(value)) this.#gauge.set(value)
    else this.#context.refuse()
  }

  increment(value = 1): void {
    if (Number.isFinite(value)) this.#gauge.inc(value)
    else this.#context.refuse()
  }

  decrement(value = 1): void {
    this.increment(-value)
  }

  reset(): void {
    this.#gauge.reset()
  }

  timer(): StopTimer {
    return secondsTimer((seconds) => this.update(seconds))
  }
}

/** Values that go up and down, by label. */
export class GaugeLabels implements MetricGroup {
  readonly #gauge: Gauge
  readonly #label: string
  readonly #context: InstrumentContext

  constructor(gauge: Gauge, label: string, context: InstrumentContext) {
    this.#gauge = gauge
    this.#label = label
    this.#context = context
  }

  update(values: Values): void {
    each(values, (key, value) => {
      if (Number.isFinite(value)) this.#gauge.set({ [this.#label]: this.#context.limit.admit(key) }, value)
      else this.#context.refuse()
    })
  }

  increment(values: Values): void {
    each(values, (key, value) => {
      if (Number.isFinite(value)) this.#gauge.inc({ [this.#label]: this.#context.limit.admit(key) }, value)
      else this.#context.refuse()
    })
  }

  decrement(values: Values): void {
    each(values, (key, value) => this.increment({ [key]: -value }))
  }

  /** Puts values in the place of all that are there; those that end up under one label are added up. */
  replace(values: Values): void {
    this.reset()
    this.increment(values)
  }

  reset(): void {
    this.#gauge.reset()
  }

  timer(key: string): StopTimer {
    return secondsTimer((seconds) => this.update({ [key]: seconds }))
  }
}

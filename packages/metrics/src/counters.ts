import type { Counter, CounterGroup } from '@libp2p/interface'
import type { Counter as PromCounter } from 'prom-client'
import { each, type InstrumentContext, type Values } from './values.ts'

/** One value that only goes up. */
export class CounterMetric implements Counter {
  readonly #counter: PromCounter
  readonly #context: InstrumentContext

  constructor(counter: PromCounter, context: InstrumentContext) {
    this.#counter = counter
    this.#context = context
  }

  increment(value = 1): void {
    if (Number.isFinite(value) && value >= 0) this.#counter.inc(value)
    else this.#context.refuse()
  }

  reset(): void {
    this.#counter.reset()
  }
}

/** Values that only go up, by label. */
export class CounterLabels implements CounterGroup {
  readonly #counter: PromCounter
  readonly #label: string
  readonly #context: InstrumentContext

  constructor(counter: PromCounter, label: string, context: InstrumentContext) {
    this.#counter = counter
    this.#label = label
    this.#context = context
  }

  increment(values: Values): void {
    each(values, (key, value) => {
      if (Number.isFinite(value) && value >= 0) {
        this.#counter.inc({ [this.#label]: this.#context.limit.admit(key) }, value)
      } else this.#context.refuse()
    })
  }

  reset(): void {
    this.#counter.reset()
  }
}

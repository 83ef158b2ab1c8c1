import type { Metrics } from '@libp2p/interface'

type Options = { readonly calculate?: () => unknown }

const nothing = (): void => {}
const counter = { update: nothing, increment: nothing, decrement: nothing, reset: nothing, timer: () => nothing }
const histogram = { observe: nothing, reset: nothing, timer: () => nothing }

/** Metrics of a simulated node: what modules calculate when they are asked can be read, and of the rest nothing is kept. */
export class Gauges implements Metrics {
  readonly #calculations = new Map<string, () => unknown>()

  /** What a gauge shows now, by label, or by '' where it has none. */
  read(name: string): Map<string, number> {
    const value = this.#calculations.get(name)?.()
    const shown = typeof value === 'number' ? { '': value } : Object(value)
    return new Map(Object.entries(shown).flatMap(([label, each]) => (typeof each === 'number' ? [[label, each]] : [])))
  }

  readonly registerMetric = (name: string, options?: Options): typeof counter => this.#register(name, options)
  readonly registerMetricGroup = (name: string, options?: Options): typeof counter => this.#register(name, options)
  readonly registerCounter = (): typeof counter => counter
  readonly registerCounterGroup = (): typeof counter => counter
  readonly registerHistogram = (): typeof histogram => histogram
  readonly registerHistogramGroup = (): typeof histogram => histogram
  readonly registerSummary = (): typeof histogram => histogram
  readonly registerSummaryGroup = (): typeof histogram => histogram

  trackMultiaddrConnection(): void {}

  trackProtocolStream(): void {}

  traceFunction<F>(_name: string, fn: F): F {
    return fn
  }

  createTrace(): void {}

  #register(name: string, { calculate }: Options = {}): typeof counter {
    if (calculate !== undefined) this.#calculations.set(name, calculate)
    return counter
  }
}

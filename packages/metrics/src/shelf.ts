import type { CalculateMetric, MetricOptions } from '@libp2p/interface'
import type { Registry } from 'prom-client'
import { Calculations } from './calculations.ts'
import { SeriesLimit, type SeriesLimits } from './series-limit.ts'
import type { InstrumentContext } from './values.ts'

/** Options as libp2p has them, with or without a calculation. */
export type Calculated<O, V> = O & { calculate?: CalculateMetric<V> }

/** What all metrics of one node share. */
export interface Shared {
  registry: Registry
  limits: SeriesLimits & { calculateTimeoutMs: number }
  /** What each name is registered as. */
  kinds: Map<string, string>
  /** A value went to the label `other`. */
  onOverflow(metric: string): void
  /** A value was not finite, or would have taken a counter down. */
  onRefused(metric: string): void
  /** A calculation threw, or was late. */
  onCalculateError(metric: string, err: unknown): void
}

/** What a new metric is made of. */
export interface Parts<O, V> {
  name: string
  help: string
  label: string
  options: O
  registry: Registry
  context: InstrumentContext
  calculations: Calculations<V>
}

/** Holds the metrics of one kind. */
export class Shelf<I, V, O extends MetricOptions = MetricOptions> {
  readonly #kind: string
  readonly #shared: Shared
  readonly #make: (parts: Parts<O, V>) => I
  readonly #items = new Map<string, { instrument: I; calculations: Calculations<V> }>()

  constructor(kind: string, shared: Shared, make: (parts: Parts<O, V>) => I) {
    this.#kind = kind
    this.#shared = shared
    this.#make = make
  }

  /**
   * Gives the metric of a name, and makes it where there is none. Each calculation that comes along is run: libp2p's
   * TCP transport registers one for each address that it listens on.
   *
   * @throws {RangeError} when the name cannot be one, or is taken by a metric of another kind
   */
  take(name: string, options: Calculated<O, V>): I {
    const normal = normalize(name)
    const item = this.#items.get(normal) ?? this.#add(normal, options)
    if (options.calculate != null) item.calculations.add(options.calculate)
    return item.instrument
  }

  #add(name: string, options: O): { instrument: I; calculations: Calculations<V> } {
    const { registry, kinds, limits, ...events } = this.#shared
    const other = kinds.get(name)
    if (other != null) throw new RangeError(`${name} is a ${other} and cannot be a ${this.#kind} too`)
    const limit = new SeriesLimit(limits, () => events.onOverflow(name))
    const context = { limit, refuse: () => events.onRefused(name) }
    const calculations = new Calculations<V>({
      timeoutMs: limits.calculateTimeoutMs,
      onError: (err) => events.onCalculateError(name, err),
    })
    const { help = name, label = name } = options
    const parts = { name, help, label: normalize(label), options, registry, context, calculations }
    const item = { instrument: this.#make(parts), calculations }
    this.#items.set(name, item)
    kinds.set(name, this.#kind)
    return item
  }
}

/**
 * Makes a name one that Prometheus takes, as `@libp2p/prometheus-metrics` does, so that dashboards fit both.
 *
 * @throws {RangeError} when nothing usable is left of it
 */
export function normalize(name: string): string {
  const normal = name.replaceAll(/[^a-zA-Z0-9_]/g, '_').replaceAll(/_+/g, '_')
  if (!/^[a-zA-Z_]/.test(normal) || normal === '_') throw new RangeError(`${JSON.stringify(name)} cannot name a metric`)
  return normal
}

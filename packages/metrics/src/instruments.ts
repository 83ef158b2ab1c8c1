import type { HistogramOptions, SummaryOptions } from '@libp2p/interface'
import { Counter, Gauge, Summary } from 'prom-client'
import { BucketHistogram } from './bucket-histogram.ts'
import { Buckets, bucketsFor } from './buckets.ts'
import { CounterLabels, CounterMetric } from './counters.ts'
import { GaugeLabels, GaugeMetric } from './gauges.ts'
import { Observer, ObserverLabels, type Spread } from './observers.ts'
import { normalize, Shelf, type Parts, type Shared } from './shelf.ts'

type Group = Record<string, number>

/** A histogram that quantiles can be read from. */
interface NamedBuckets {
  buckets: Buckets
  /** Name of its label, where it has one. */
  label: string | undefined
}

/** Makes and holds the metrics of one node, of the eight kinds that libp2p knows. */
export class Instruments {
  readonly metric: Shelf<GaugeMetric, number>
  readonly metricGroup: Shelf<GaugeLabels, Group>
  readonly counter: Shelf<CounterMetric, number>
  readonly counterGroup: Shelf<CounterLabels, Group>
  readonly histogram: Shelf<Observer, number, HistogramOptions>
  readonly histogramGroup: Shelf<ObserverLabels, Group, HistogramOptions>
  readonly summary: Shelf<Observer, number, SummaryOptions>
  readonly summaryGroup: Shelf<ObserverLabels, Group, SummaryOptions>
  readonly #histograms = new Map<string, NamedBuckets>()

  constructor(shared: Shared) {
    this.metric = new Shelf('metric', shared, gauge)
    this.metricGroup = new Shelf('metric group', shared, gaugeGroup)
    this.counter = new Shelf('counter', shared, counter)
    this.counterGroup = new Shelf('counter group', shared, counterGroup)
    const made = (name: string, named: NamedBuckets): unknown => this.#histograms.set(name, named)
    this.histogram = new Shelf('histogram', shared, (parts) => histogram(parts, made))
    this.histogramGroup = new Shelf('histogram group', shared, (parts) => histogramGroup(parts, made))
    this.summary = new Shelf('summary', shared, summary)
    this.summaryGroup = new Shelf('summary group', shared, summaryGroup)
  }

  /** Buckets of the histogram of a name. */
  bucketsOf(name: string): NamedBuckets | undefined {
    return this.#histograms.get(normalize(name))
  }
}

function gauge({ name, help, registry, calculations, context }: Parts<object, number>): GaugeMetric {
  const collect = async (): Promise<void> => {
    for (const value of await calculations.run()) instrument.update(value)
  }
  const instrument = new GaugeMetric(new Gauge({ name, help, registers: [registry], collect }), context)
  return instrument
}

function gaugeGroup({ name, help, label, registry, calculations, context }: Parts<object, Group>): GaugeLabels {
  const collect = async (): Promise<void> => {
    if (calculations.isEmpty) return
    // What no calculation gives any more is gone, such as the connections of a closed listener.
    const results = await calculations.run()
    instrument.replace(Object.assign({}, ...results))
  }
  const prom = new Gauge({ name, help, labelNames: [label], registers: [registry], collect })
  const instrument = new GaugeLabels(prom, label, context)
  return instrument
}

function counter({ name, help, registry, calculations, context }: Parts<object, number>): CounterMetric {
  const collect = async (): Promise<void> => {
    for (const value of await calculations.run()) instrument.increment(value)
  }
  const instrument = new CounterMetric(new Counter({ name, help, registers: [registry], collect }), context)
  return instrument
}

function counterGroup({ name, help, label, registry, calculations, context }: Parts<object, Group>): CounterLabels {
  const collect = async (): Promise<void> => {
    for (const values of await calculations.run()) instrument.increment(values)
  }
  const prom = new Counter({ name, help, labelNames: [label], registers: [registry], collect })
  const instrument = new CounterLabels(prom, label, context)
  return instrument
}

type Made = (name: string, histogram: NamedBuckets) => unknown

function histogram(parts: Parts<HistogramOptions, number>, made: Made): Observer {
  const { name, help, registry, calculations, context, options } = parts
  const buckets = new Buckets(options.buckets ?? bucketsFor(name))
  const instrument = new Observer(spreadOf(buckets), context)
  const collect = async (): Promise<void> => {
    for (const value of await calculations.run()) instrument.observe(value)
  }
  void new BucketHistogram({ name, help, registry, collect }, buckets)
  made(name, { buckets, label: undefined })
  return instrument
}

function histogramGroup(parts: Parts<HistogramOptions, Group>, made: Made): ObserverLabels {
  const { name, help, label, registry, calculations, context, options } = parts
  const buckets = new Buckets(options.buckets ?? bucketsFor(name))
  const instrument = new ObserverLabels(spreadOf(buckets), context)
  const collect = async (): Promise<void> => {
    for (const values of await calculations.run()) instrument.observe(values)
  }
  void new BucketHistogram({ name, help, label, registry, collect }, buckets)
  made(name, { buckets, label })
  return instrument
}

function spreadOf(buckets: Buckets): Spread {
  return { observe: (label, value) => buckets.add(label, value), clear: () => buckets.clear() }
}

function summary({ name, help, registry, calculations, context, options }: Parts<SummaryOptions, number>): Observer {
  const collect = async (): Promise<void> => {
    for (const value of await calculations.run()) instrument.observe(value)
  }
  const prom = new Summary({ name, help, registers: [registry], collect, ...windowOf(options) })
  const spread = { observe: (_: string, value: number) => prom.observe(value), clear: () => prom.reset() }
  const instrument = new Observer(spread, context)
  return instrument
}

function summaryGroup(parts: Parts<SummaryOptions, Group>): ObserverLabels {
  const { name, help, label, registry, calculations, context, options } = parts
  const collect = async (): Promise<void> => {
    for (const values of await calculations.run()) instrument.observe(values)
  }
  const prom = new Summary({ name, help, labelNames: [label], registers: [registry], collect, ...windowOf(options) })
  const spread = {
    observe: (key: string, value: number) => prom.observe({ [label]: key }, value),
    clear: () => prom.reset(),
  }
  const instrument = new ObserverLabels(spread, context)
  return instrument
}

/** prom-client takes an option that is `undefined` for one that is set. */
function windowOf({
  percentiles,
  maxAgeSeconds,
  ageBuckets,
  pruneAgedBuckets,
  compressCount,
}: SummaryOptions): SummaryOptions {
  return {
    ...(percentiles == null ? {} : { percentiles }),
    ...(maxAgeSeconds == null ? {} : { maxAgeSeconds }),
    ...(ageBuckets == null ? {} : { ageBuckets }),
    ...(pruneAgedBuckets == null ? {} : { pruneAgedBuckets }),
    ...(compressCount == null ? {} : { compressCount }),
  }
}

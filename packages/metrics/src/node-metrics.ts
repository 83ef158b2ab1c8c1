import type {
  CalculatedHistogramOptions,
  CalculatedMetricOptions,
  CalculatedSummaryOptions,
  Counter,
  CounterGroup,
  Histogram,
  HistogramGroup,
  HistogramOptions,
  Logger,
  Metric,
  MetricGroup,
  MetricOptions,
  MultiaddrConnection,
  Startable,
  Stream,
  Summary,
  SummaryGroup,
  SummaryOptions,
} from '@libp2p/interface'
import { serviceCapabilities } from '@libp2p/interface'
import { Registry } from 'prom-client'
import { SECONDS_BUCKETS } from './constants.ts'
import { EventLoopLag } from './event-loop-lag.ts'
import type { MetricsComponents, MetricsInit, MetricsService, Quantiles } from './index.ts'
import { Instruments } from './instruments.ts'
import { NetworkMetrics } from './network-metrics.ts'
import { optionsOf } from './options.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import { quantilesOf } from './quantiles.ts'
import { SelfMetrics } from './self-metrics.ts'
import type { Calculated } from './shelf.ts'
import { Transfers } from './transfers.ts'

type Group = Record<string, number>

const LAG = 'gridmesh_metrics_event_loop_lag_seconds'

/** The metrics of one node, in a registry of its own. */
export class NodeMetrics implements MetricsService, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/metrics'
  readonly [serviceCapabilities] = ['@libp2p/metrics', '@gridmesh/metrics']
  readonly registry = new Registry()
  readonly #log: Logger
  readonly #instruments: Instruments
  readonly #transfers: Transfers
  readonly #network: NetworkMetrics
  readonly #lag: EventLoopLag | undefined

  constructor(components: MetricsComponents, init: MetricsInit = {}) {
    const options = optionsOf(init)
    this.#log = components.logger.forComponent('gridmesh:metrics')
    const self = new SelfMetrics(this.#log)
    this.registry.setDefaultLabels({ ...options.defaultLabels })
    const shared = { registry: this.registry, limits: options, kinds: new Map<string, string>(), ...self.events }
    this.#instruments = new Instruments(shared)
    self.register(this.#instruments)
    this.#transfers = new Transfers(options.maxSeries)
    this.#instruments.counterGroup.take('libp2p_data_transfer_bytes_total', {
      label: 'protocol',
      help: 'Bytes sent and received, by protocol, and of all connections as global',
      calculate: () => this.#transfers.take(),
    })
    this.#network = new NetworkMetrics(components, this.#instruments, shared, options.regions)
    this.#lag = options.measureEventLoop ? this.#createLag(options.eventLoopResolutionMs) : undefined
    if (options.measureProcess) registerProcessMetrics(this.#instruments)
  }

  get contentType(): string {
    return this.registry.contentType
  }

  start(): void {
    this.#network.start()
    this.#lag?.start()
  }

  stop(): void {
    this.#network.stop()
    this.#lag?.stop()
  }

  async scrape(): Promise<string> {
    this.#lag?.collect()
    this.#network.collect()
    return await this.registry.metrics()
  }

  quantiles(name: string, labels: Readonly<Record<string, string>> = {}): Quantiles | undefined {
    this.#lag?.collect()
    const named = this.#instruments.bucketsOf(name)
    if (named == null) return undefined
    const { [named.label ?? '']: value, ...others } = labels
    const isOfOther = Object.keys(others).length > 0
    return isOfOther ? undefined : quantilesOf(named.buckets.bounds, named.buckets.total(value))
  }

  trackMultiaddrConnection(connection: MultiaddrConnection): void {
    this.#transfers.track(connection, 'global')
  }

  trackProtocolStream(stream: Stream): void {
    this.#transfers.track(stream, stream.protocol)
  }

  registerMetric(name: string, options: CalculatedMetricOptions): void
  registerMetric(name: string, options?: MetricOptions): Metric
  registerMetric(name: string, options: Calculated<MetricOptions, number> = {}): Metric {
    return this.#instruments.metric.take(name, options)
  }

  registerMetricGroup(name: string, options: CalculatedMetricOptions<Group>): void
  registerMetricGroup(name: string, options?: MetricOptions): MetricGroup
  registerMetricGroup(name: string, options: Calculated<MetricOptions, Group> = {}): MetricGroup {
    return this.#instruments.metricGroup.take(name, options)
  }

  registerCounter(name: string, options: CalculatedMetricOptions): void
  registerCounter(name: string, options?: MetricOptions): Counter
  registerCounter(name: string, options: Calculated<MetricOptions, number> = {}): Counter {
    return this.#instruments.counter.take(name, options)
  }

  registerCounterGroup(name: string, options: CalculatedMetricOptions<Group>): void
  registerCounterGroup(name: string, options?: MetricOptions): CounterGroup
  registerCounterGroup(name: string, options: Calculated<MetricOptions, Group> = {}): CounterGroup {
    return this.#instruments.counterGroup.take(name, options)
  }

  registerHistogram(name: string, options: CalculatedHistogramOptions): void
  registerHistogram(name: string, options?: HistogramOptions): Histogram
  registerHistogram(name: string, options: Calculated<HistogramOptions, number> = {}): Histogram {
    return this.#instruments.histogram.take(name, options)
  }

  registerHistogramGroup(name: string, options: CalculatedHistogramOptions<Group>): void
  registerHistogramGroup(name: string, options?: HistogramOptions): HistogramGroup
  registerHistogramGroup(name: string, options: Calculated<HistogramOptions, Group> = {}): HistogramGroup {
    return this.#instruments.histogramGroup.take(name, options)
  }

  registerSummary(name: string, options: CalculatedSummaryOptions): void
  registerSummary(name: string, options?: SummaryOptions): Summary
  registerSummary(name: string, options: Calculated<SummaryOptions, number> = {}): Summary {
    return this.#instruments.summary.take(name, options)
  }

  registerSummaryGroup(name: string, options: CalculatedSummaryOptions<Group>): void
  registerSummaryGroup(name: string, options?: SummaryOptions): SummaryGroup
  registerSummaryGroup(name: string, options: Calculated<SummaryOptions, Group> = {}): SummaryGroup {
    return this.#instruments.summaryGroup.take(name, options)
  }

  /** Does nothing: these are metrics, not traces. */
  traceFunction<F extends (...args: never[]) => unknown>(_name: string, fn: F): F {
    return fn
  }

  /** Does nothing: these are metrics, not traces. */
  createTrace(): undefined {
    return undefined
  }

  #createLag(resolutionMs: number): EventLoopLag | undefined {
    const help = 'How late the event loop ran, sampled'
    this.#instruments.histogram.take(LAG, { help, buckets: [...SECONDS_BUCKETS] })
    const named = this.#instruments.bucketsOf(LAG)
    return named == null ? undefined : new EventLoopLag(named.buckets, resolutionMs)
  }
}

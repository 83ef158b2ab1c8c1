/**
 * @packageDocumentation
 *
 * Prometheus metrics for a libp2p node: what `@libp2p/prometheus-metrics` counts, with a registry for each node, bounded
 * labels, quantiles for an HTTP API, event-loop lag, traffic by lane, churn, and the health of regions.
 *
 * Not for pushing metrics anywhere, and not a server: answer `GET /metrics` with `scrape()`.
 *
 * @example
 *
 * ```ts
 * import { isMetricsService, metrics } from '@gridmesh/metrics'
 * import { createLibp2p } from 'libp2p'
 *
 * const node = await createLibp2p({ metrics: metrics() })
 * if (isMetricsService(node.metrics)) {
 *   node.metrics.registerHistogram('app_answer_seconds').observe(0.2)
 *   node.metrics.quantiles('app_answer_seconds')?.p95
 *   await node.metrics.scrape()
 * }
 * ```
 */
import type { PeerManager } from '@gridmesh/interfaces'
import type { ComponentLogger, Libp2pEvents, Metrics, TypedEventTarget } from '@libp2p/interface'
import type { Registry } from 'prom-client'
import { NodeMetrics } from './node-metrics.ts'

/** Options of the metrics of one node. */
export interface MetricsInit {
  /** Label values of one metric in the life of the node; what is over it is counted under `other`. @default 1_000 */
  maxSeries?: number
  /** Regions that keep a place among those `maxSeries`, whatever peers call theirs: our own, say. @default [] */
  regions?: readonly string[]
  /** Characters of a label value; a longer one is cut. @default 128 */
  maxLabelCharacters?: number
  /** Time that one calculation may hold up a scrape, in ms; a later result is left out. @default 1_000 */
  calculateTimeoutMs?: number
  /** Measure how late the event loop runs, while the node runs. @default true */
  measureEventLoop?: boolean
  /** Time between two samples of the event loop, in ms; each wakes the process. @default 100 */
  eventLoopResolutionMs?: number
  /** Report processor time, memory and disk of the process. @default true */
  measureProcess?: boolean
  /** Labels on every metric, such as `{ node: 'a' }`. @default {} */
  defaultLabels?: Readonly<Record<string, string>>
}

/** What the metrics use of a node. */
export interface MetricsComponents {
  logger: ComponentLogger
  events: TypedEventTarget<Libp2pEvents>
  /** Without it there is no traffic by lane and no health by region. */
  peerManager?: PeerManager
}

/** How the values of a histogram are spread, in its own unit. */
export interface Quantiles {
  /** Half of the values are at most this. */
  p50: number
  p95: number
  p99: number
  mean: number
  /** Values in all, since the node was created. */
  count: number
}

/** The metrics of one node: what libp2p's services register with, and what reads it out. */
export interface MetricsService extends Metrics {
  /** Holds every metric of this node and of no other; metrics of `prom-client` itself may be added to it. */
  readonly registry: Registry
  /** Content type of what `scrape` gives. */
  readonly contentType: string
  /** Returns all metrics as Prometheus text. A calculation that fails, or is late, is left out and counted. */
  scrape(): Promise<string>
  /**
   * Estimates quantiles from the buckets of a histogram: exact to the bucket a value is in, and at most the highest
   * bucket. `undefined` when there is no such histogram, or no value with these labels.
   */
  quantiles(name: string, labels?: Readonly<Record<string, string>>): Quantiles | undefined
}

/**
 * Creates the metrics of a node, for `createLibp2p({ metrics: metrics() })`.
 *
 * @throws {RangeError} when a limit is not above 0
 */
export function metrics(init: MetricsInit = {}): (components: MetricsComponents) => MetricsService {
  return (components) => new NodeMetrics(components, init)
}

/** Whether the metrics of a node, of which libp2p knows only that they count, were made by this package. */
export function isMetricsService(value: Metrics | undefined): value is MetricsService {
  return value != null && 'scrape' in value && 'quantiles' in value && 'registry' in value
}

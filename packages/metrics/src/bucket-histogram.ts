import { Histogram, type Registry } from 'prom-client'
import type { Buckets } from './buckets.ts'
import type { Distribution } from './quantiles.ts'

/** A histogram as it stands in a registry. */
interface BucketHistogramSpec {
  name: string
  help: string
  /** Name of the label; without it there is one series, which is always there. */
  label?: string | undefined
  registry: Registry
  /** Runs before the counts are read. */
  collect(): void | Promise<void>
}

interface Sample {
  metricName: string
  labels: Record<string, string | number>
  sharedLabels: Record<string, never>
  value: number
}

/**
 * Shows our own buckets in a prom-client registry. Its own histogram hides its counts behind a promise, so that
 * quantiles would run every calculation, and takes values one by one only.
 */
export class BucketHistogram extends Histogram {
  readonly #spec: BucketHistogramSpec
  readonly #buckets: Buckets

  constructor(spec: BucketHistogramSpec, buckets: Buckets) {
    const { name, help, label, registry } = spec
    const labelNames = label == null ? [] : [label]
    super({ name, help, labelNames, buckets: [...buckets.bounds], registers: [registry] })
    this.#spec = spec
    this.#buckets = buckets
  }

  /** Called by the registry, and by `get` of prom-client. */
  async getForPromString(): Promise<object> {
    await this.#spec.collect()
    const { name, help, label } = this.#spec
    const values: Sample[] = []
    if (label == null) values.push(...this.#samples({}, this.#buckets.total()))
    else {
      for (const [key, series] of this.#buckets.series) values.push(...this.#samples({ [label]: key }, series))
    }
    return { name, help, type: 'histogram', values, aggregator: 'sum' }
  }

  override reset(): void {
    // prom-client calls this from its constructor, before there are buckets.
    super.reset()
    if (#buckets in this) this.#buckets.clear()
  }

  #samples(labels: Record<string, string>, { counts, sum }: Distribution): Sample[] {
    const { name } = this.#spec
    const sample = (suffix: string, more: Record<string, string | number>, value: number): Sample => {
      return { metricName: name + suffix, labels: { ...more, ...labels }, sharedLabels: {}, value }
    }
    let below = 0
    const samples = counts.map((count, index) => {
      below += count
      return sample('_bucket', { le: this.#buckets.bounds[index] ?? '+Inf' }, below)
    })
    return [...samples, sample('_sum', {}, sum), sample('_count', {}, below)]
  }
}

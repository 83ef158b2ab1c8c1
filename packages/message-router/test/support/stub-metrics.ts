import type { CalculatedMetricOptions, Metrics } from '@libp2p/interface'

type Values = Record<string, number | true>

/** A metrics service that keeps every value it is given, under the name without our prefix. */
export function stubMetrics(): {
  metrics: Metrics
  values: (name: string, label?: string) => unknown[]
  collect: (name: string) => unknown
} {
  const kept: [string, unknown][] = []
  const calculated = new Map<string, () => unknown>()
  const group = (name: string) => ({
    increment: (values: Values) =>
      kept.push(...Object.entries(values).map(([label, value]) => entry(name, label, value))),
    observe: (values: Values) =>
      kept.push(...Object.entries(values).map(([label, value]) => entry(name, label, value))),
  })
  const stub = {
    registerCounterGroup: group,
    registerHistogramGroup: group,
    registerHistogram: (name: string) => ({ observe: (value: number) => kept.push([short(name), value]) }),
    registerMetricGroup: (name: string, options: CalculatedMetricOptions<Record<string, number>>) => {
      calculated.set(short(name), options.calculate)
    },
  }
  return {
    metrics: stub as unknown as Metrics,
    values: (name, label) => {
      const key = label == null ? name : `${name} ${label}`
      return kept.filter(([each]) => each === key).map(([, value]) => value)
    },
    collect: (name) => calculated.get(name)?.(),
  }
}

function short(name: string): string {
  return name.replace('gridmesh_message_router_', '')
}

function entry(name: string, label: string, value: unknown): [string, unknown] {
  return [`${short(name)} ${label}`, value]
}

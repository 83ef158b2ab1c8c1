import type { Played } from '@gridmesh/simnet/scenarios'
import { type EChartsOption, init } from 'echarts'

/** Nodes that the picture of the topology shows at most; of larger networks every n-th. */
export const MAX_DRAWN_NODES = 300
const BUCKETS = 40
const POINTS = 200

/** Delays in buckets of one width, as share of all deliveries. */
export function delayBuckets({ observations }: Played): { fromMs: number; share: number }[] {
  const longest = observations.reduce((most, { delayMs }) => Math.max(most, delayMs), 0)
  const width = longest / BUCKETS || 1
  const counts = Array.from({ length: BUCKETS + 1 }, () => 0)
  for (const { delayMs } of observations) {
    const bucket = Math.floor(delayMs / width)
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  return counts.map((count, bucket) => ({ fromMs: bucket * width, share: count / Math.max(1, observations.length) }))
}

/** Share of the deliveries of a message that have taken place, by time since it was published. */
export function coverage({ observations, deliveredRatio }: Played): [number, number][] {
  const delays = observations.map(({ delayMs }) => delayMs).toSorted((a, b) => a - b)
  const step = Math.max(1, Math.floor(delays.length / POINTS))
  const points: [number, number][] = [[0, 0]]
  for (let at = step - 1; at < delays.length; at += step) {
    points.push([delays[at] ?? 0, (deliveredRatio * (at + 1)) / delays.length])
  }
  const last = delays.at(-1)
  if (last !== undefined) points.push([last, deliveredRatio])
  return points
}

function delayChart(played: Played): EChartsOption {
  const buckets = delayBuckets(played)
  return {
    grid: { left: 60, right: 20, top: 20, bottom: 50 },
    xAxis: {
      type: 'category',
      name: 'delay, ms',
      nameLocation: 'middle',
      nameGap: 30,
      data: buckets.map(({ fromMs }) => fromMs.toFixed(fromMs < 10 ? 1 : 0)),
    },
    yAxis: { type: 'value', axisLabel: { formatter: (value: number) => `${(100 * value).toFixed(0)} %` } },
    series: [{ type: 'bar', barCategoryGap: '5%', data: buckets.map(({ share }) => share) }],
  }
}

function coverageChart(played: Played): EChartsOption {
  return {
    grid: { left: 60, right: 20, top: 20, bottom: 50 },
    xAxis: { type: 'value', name: 'time since publish, ms', nameLocation: 'middle', nameGap: 30 },
    yAxis: { type: 'value', max: 1, axisLabel: { formatter: (value: number) => `${(100 * value).toFixed(0)} %` } },
    series: [{ type: 'line', step: 'end', showSymbol: false, data: coverage(played) }],
  }
}

function topologyChart({ topology }: Played): EChartsOption {
  const every = Math.ceil(topology.length / MAX_DRAWN_NODES)
  const drawn = topology.filter(({ index }) => index % every === 0)
  const names = new Set(drawn.map(({ index }) => index))
  const regions = [...new Set(drawn.map(({ region }) => region))].toSorted()
  const degree = new Map<number, number>()
  const links = drawn.flatMap(({ index, links: to }) =>
    to.flatMap((other) => {
      if (!names.has(other)) return []
      for (const end of [index, other]) degree.set(end, (degree.get(end) ?? 0) + 1)
      return { source: String(index), target: String(other) }
    }),
  )
  const data = drawn.map(({ index, region, isHonest, status }) => ({
    id: String(index),
    name: String(index),
    category: regions.indexOf(region),
    symbol: isHonest ? 'circle' : 'triangle',
    symbolSize: 6 + Math.sqrt(degree.get(index) ?? 0) * 2,
    itemStyle: { opacity: status === 'up' ? 1 : 0.3 },
  }))
  return {
    legend: { data: regions, bottom: 0, itemGap: 30 },
    series: [
      {
        type: 'graph',
        layout: 'force',
        force: { repulsion: 900, edgeLength: [30, 120], layoutAnimation: false },
        categories: regions.map((name) => ({ name })),
        lineStyle: { opacity: 0.25 },
        data,
        links,
      },
    ],
  }
}

function svg(option: EChartsOption, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 960, height })
  try {
    chart.setOption({ animation: false, ...option })
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}

/** The pictures of a run, as SVG. */
export function drawCharts(played: Played): { delay: string; coverage: string; topology: string } {
  return {
    delay: svg(delayChart(played), 320),
    coverage: svg(coverageChart(played), 320),
    topology: svg(topologyChart(played), 720),
  }
}

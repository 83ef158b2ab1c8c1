import { afterEach, expect, it, vi } from 'vitest'
import { metrics, type MetricsInit } from '../src/index.ts'
import { fakeComponents, linesOf } from './components.ts'

const create = (init: MetricsInit = {}) => {
  return metrics({ measureProcess: false, measureEventLoop: false, ...init })(fakeComponents().components)
}

afterEach(() => {
  vi.useRealTimers()
})

it('writes each kind of metric as Prometheus text', async () => {
  const service = create()
  const gauge = service.registerMetric('a_gauge', { help: 'How much' })
  gauge.update(5)
  gauge.increment(2)
  gauge.decrement()
  const group = service.registerMetricGroup('a_group', { label: 'what' })
  group.update({ x: 1 })
  group.increment({ x: 2, y: true })
  group.decrement({ x: true })
  service.registerCounter('a_counter').increment(3)
  service.registerCounterGroup('some_counters', { label: 'who' }).increment({ me: 2, you: true })
  service.registerHistogram('a_histogram', { buckets: [1, 2] }).observe(1.5)
  service.registerHistogramGroup('some_histograms', { label: 'lane', buckets: [1] }).observe({ high: 1 })
  service.registerSummary('a_summary', { percentiles: [0.5] }).observe(4)
  service.registerSummaryGroup('some_summaries', { label: 'lane', percentiles: [0.5] }).observe({ high: 4 })
  const text = await service.scrape()

  expect(text).toContain('# HELP a_gauge How much\n# TYPE a_gauge gauge\na_gauge 6\n')
  expect(linesOf(text, 'a_group')).toEqual(['a_group{what="x"} 2', 'a_group{what="y"} 1'])
  expect(linesOf(text, 'a_counter')).toEqual(['a_counter 3'])
  expect(linesOf(text, 'some_counters')).toEqual(['some_counters{who="me"} 2', 'some_counters{who="you"} 1'])
  expect(text).toContain(
    [
      '# TYPE a_histogram histogram',
      'a_histogram_bucket{le="1"} 0',
      'a_histogram_bucket{le="2"} 1',
      'a_histogram_bucket{le="+Inf"} 1',
      'a_histogram_sum 1.5',
      'a_histogram_count 1',
    ].join('\n'),
  )
  expect(text).toContain('some_histograms_bucket{le="1",lane="high"} 1')
  expect(text).toContain('some_histograms_count{lane="high"} 1')
  expect(text).toContain('a_summary{quantile="0.5"} 4')
  expect(text).toContain('some_summaries{quantile="0.5",lane="high"} 4')
  expect(service.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
})

it('gives the metric that is there when a name is registered again', async () => {
  const service = create()
  service.registerCounter('twice').increment()
  service.registerCounter('twice').increment()
  expect(linesOf(await service.scrape(), 'twice')).toEqual(['twice 2'])
})

it('refuses a name of another kind, and one that is none', () => {
  const service = create()
  service.registerCounter('taken')
  expect(() => service.registerHistogram('taken')).toThrow('taken is a counter and cannot be a histogram too')
  expect(() => service.registerMetric(' ')).toThrow(RangeError)
  expect(() => service.registerMetric('1st')).toThrow(RangeError)
})

it('writes names and labels as Prometheus takes them', async () => {
  const service = create()
  service.registerCounterGroup('a-b/c', { label: 'the label' }).increment({ 'quote " and\nline': 1 })
  expect(linesOf(await service.scrape(), 'a_b_c')).toEqual([String.raw`a_b_c{the_label="quote \" and\nline"} 1`])
})

it('clears what is reset', async () => {
  const service = create()
  const histogram = service.registerHistogramGroup('h', { label: 'l' })
  const gauge = service.registerMetricGroup('g', { label: 'l' })
  histogram.observe({ a: 1 })
  gauge.update({ a: 1 })
  histogram.reset()
  gauge.reset()

  expect(service.quantiles('h')).toBeUndefined()
  expect(linesOf(await service.scrape(), 'g')).toEqual([])
})

it('times in seconds, by a clock that simulations can turn', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] })
  const service = create()
  const stops = [
    service.registerHistogram('h').timer(),
    service.registerHistogramGroup('hg', { label: 'l' }).timer('a'),
    service.registerMetric('g').timer(),
    service.registerMetricGroup('gg', { label: 'l' }).timer('a'),
    service.registerSummary('s').timer(),
    service.registerSummaryGroup('sg', { label: 'l' }).timer('a'),
  ]
  vi.advanceTimersByTime(1_500)
  for (const stop of stops) stop()
  const text = await service.scrape()

  for (const line of ['h_sum 1.5', 'hg_sum{l="a"} 1.5', 'g 1.5', 'gg{l="a"} 1.5', 's_sum 1.5', 'sg_sum{l="a"} 1.5']) {
    expect(text.split('\n')).toContain(line)
  }
})

it('runs calculations at each scrape: gauges show the value, counters grow by it', async () => {
  const service = create()
  let value = 1
  service.registerMetric('g', { calculate: () => value })
  service.registerCounter('c', { calculate: async () => Promise.resolve(value) })
  service.registerCounterGroup('cg', { label: 'l', calculate: () => ({ a: value }) })
  service.registerHistogram('h', { calculate: () => value })
  service.registerSummary('s', { calculate: () => value })
  await service.scrape()
  value = 5
  const text = await service.scrape()

  expect(linesOf(text, 'g')).toEqual(['g 5'])
  expect(linesOf(text, 'c')).toEqual(['c 6'])
  expect(linesOf(text, 'cg')).toEqual(['cg{l="a"} 6'])
  expect(linesOf(text, 'h_count')).toEqual(['h_count 2'])
  expect(linesOf(text, 's_sum')).toEqual(['s_sum 6'])
})

it('joins the calculations of one name, and forgets what none of them gives any more', async () => {
  const service = create()
  let first: Record<string, number> = { 'a:1': 1 }
  service.registerMetricGroup('g', { label: 'address', calculate: () => first })
  service.registerMetricGroup('g', { label: 'address', calculate: () => ({ 'b:2': 2 }) })
  expect(linesOf(await service.scrape(), 'g')).toEqual(['g{address="a:1"} 1', 'g{address="b:2"} 2'])

  first = {}
  expect(linesOf(await service.scrape(), 'g')).toEqual(['g{address="b:2"} 2'])
})

it('keeps the 16 newest calculations of one name', async () => {
  const service = create()
  for (let i = 0; i < 17; i++) service.registerMetricGroup('g', { label: 'l', calculate: () => ({ [`l${i}`]: i }) })
  const lines = linesOf(await service.scrape(), 'g')

  expect(lines).toHaveLength(16)
  expect(lines[0]).toBe('g{l="l1"} 1')
})

it('leaves out a calculation that throws, and counts it', async () => {
  const service = create()
  service.registerMetric('bad', {
    calculate: () => {
      throw new TypeError('no')
    },
  })
  service.registerMetric('worse', { calculate: async () => Promise.reject(new TypeError('no')) })
  service.registerMetric('good', { calculate: () => 1 })
  const text = await service.scrape()

  expect(linesOf(text, 'good')).toEqual(['good 1'])
  // The counter itself is read in the same scrape as the second failures, before or after them.
  expect(linesOf(await service.scrape(), 'gridmesh_metrics_failed_calculations_total')).toEqual([
    expect.stringMatching(/\{metric="bad"\} [12]$/),
    expect.stringMatching(/\{metric="worse"\} [12]$/),
  ])
})

it('waits calculateTimeoutMs for a calculation that never ends, and leaves no timer behind', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const service = create({ calculateTimeoutMs: 100 })
  service.registerMetric('stuck', { calculate: async () => new Promise<number>(() => {}) })
  service.registerMetric('good', { calculate: () => 1 })
  const scrape = service.scrape()
  await vi.advanceTimersByTimeAsync(100)

  expect(linesOf(await scrape, 'good')).toEqual(['good 1'])
  expect(vi.getTimerCount()).toBe(0)
})

it('tells quantiles by name, by label, and of all labels together', () => {
  const service = create()
  const group = service.registerHistogramGroup('answer_seconds', { label: 'peer', buckets: [1, 2, 4] })
  for (let i = 0; i < 10; i++) group.observe({ near: 1, far: 4 })

  expect(service.quantiles('answer_seconds', { peer: 'near' })).toMatchObject({ p95: 0.95, count: 10, mean: 1 })
  expect(service.quantiles('answer_seconds', { peer: 'far' })).toMatchObject({ p50: 3, count: 10 })
  expect(service.quantiles('answer_seconds')).toMatchObject({ p50: 1, count: 20, mean: 2.5 })
  expect(service.quantiles('answer_seconds', { peer: 'nobody' })).toBeUndefined()
  expect(service.quantiles('answer_seconds', { lane: 'high' })).toBeUndefined()
  expect(service.quantiles('unknown')).toBeUndefined()
})

it('puts default labels on everything', async () => {
  const service = create({ defaultLabels: { node: 'a' } })
  service.registerCounter('c').increment()
  expect(linesOf(await service.scrape(), 'c')).toEqual(['c{node="a"} 1'])
})

it('reports the process under the names of prom-client and libp2p', async () => {
  const text = await create({ measureProcess: true }).scrape()
  const names = [
    'process_cpu_user_seconds_total',
    'process_cpu_system_seconds_total',
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
    'nodejs_memory_total_bytes',
  ]
  for (const name of names) expect(linesOf(text, name)).toHaveLength(1)
  expect(text).toContain('nodejs_memory_usage_bytes{memory="heapUsed"}')
  expect(text).toContain('nodejs_fs_usage_bytes{filesystem="available"}')
})

it('tells one start of the process while the clock is set a little, and another where it was far off', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 })
  const service = create({ measureProcess: true })
  const start = async (): Promise<number> => {
    return Number(linesOf(await service.scrape(), 'process_start_time_seconds')[0]?.split(' ')[1])
  }
  const told = await start()
  vi.setSystemTime(1_800_000_003_000)
  expect(await start()).toBe(told)
  vi.setSystemTime(1_800_003_600_000)
  expect(await start()).toBeGreaterThan(told + 3_000)
})

it('gives functions to be traced back as they are', () => {
  expect(create().traceFunction('x', create)).toBe(create)
})

it.each(['maxSeries', 'maxLabelCharacters', 'calculateTimeoutMs', 'eventLoopResolutionMs'])(
  'refuses a %s of 0',
  (name) => {
    expect(() => create({ [name]: 0 })).toThrow(`${name} 0 must be above 0`)
  },
)

it.each([
  ['calculateTimeoutMs', Infinity],
  ['calculateTimeoutMs', 2_147_483_648],
  ['eventLoopResolutionMs', 1.5],
  ['eventLoopResolutionMs', Infinity],
])('refuses a %s of %d by its name, before the node starts', (name, value) => {
  expect(() => create({ [name]: value })).toThrow(`${name} ${value} must be`)
})

it.each(['', 'a b', '1st', 'a-b', 'é', 'le'])(
  'refuses the default label %j, for which no scrape would be taken',
  (name) => {
    expect(() => create({ defaultLabels: { [name]: 'x' } })).toThrow(`defaultLabels ${JSON.stringify(name)} must be`)
  },
)

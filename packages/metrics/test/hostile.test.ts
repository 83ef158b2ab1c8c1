import fc from 'fast-check'
import { expect, it } from 'vitest'
import { metrics, type MetricsInit } from '../src/index.ts'
import { SeriesLimit } from '../src/series-limit.ts'
import { fakeComponents, linesOf } from './components.ts'

const create = (init: MetricsInit = {}) => {
  return metrics({ measureProcess: false, measureEventLoop: false, ...init })(fakeComponents().components)
}
const OVERFLOWED = 'gridmesh_metrics_overflowed_values_total'

it('holds 1,000 label values of one metric, and counts the rest as other', async () => {
  const service = create()
  const group = service.registerCounterGroup('flood_total', { label: 'peer' })
  for (let i = 0; i < 1_500; i++) group.increment({ [`peer${i}`]: 2 })
  const text = await service.scrape()

  expect(linesOf(text, 'flood_total')).toHaveLength(1_001)
  expect(text).toContain('flood_total{peer="other"} 1000\n')
  expect(linesOf(text, OVERFLOWED)).toEqual([`${OVERFLOWED}{metric="flood_total"} 500`])
})

it('goes on counting label values that were known before the flood', async () => {
  const service = create({ maxSeries: 1 })
  const group = service.registerCounterGroup('c', { label: 'l' })
  group.increment({ first: 1, second: 1 })
  group.increment({ first: 1 })

  expect(linesOf(await service.scrape(), 'c')).toEqual(['c{l="first"} 2', 'c{l="other"} 1'])
})

it('lets no new label value in by a reset, or by values that a calculation gives no more', async () => {
  const service = create({ maxSeries: 2 })
  let round = 0
  service.registerMetricGroup('calculated', { label: 'l', calculate: () => ({ [`r${round}`]: 1 }) })
  const groups = [
    service.registerMetricGroup('gauge', { label: 'l' }),
    service.registerCounterGroup('counter', { label: 'l' }),
    service.registerHistogramGroup('histogram', { label: 'l' }),
    service.registerSummaryGroup('summary', { label: 'l' }),
  ]
  for (; round < 4; round++) {
    for (const group of groups) {
      group.reset()
      if ('observe' in group) group.observe({ [`r${round}`]: 1 })
      else group.increment({ [`r${round}`]: 1 })
    }
    const text = await service.scrape()
    for (const name of ['calculated', 'gauge', 'counter', 'histogram_sum', 'summary_sum']) {
      // A summary shows what it once held as 0.
      const lines = linesOf(text, name).filter((line) => !line.endsWith(' 0'))
      expect(lines).toEqual([`${name}{l="${round < 2 ? `r${round}` : 'other'}"} 1`])
    }
  }
})

it('limits every kind of group', async () => {
  const service = create({ maxSeries: 2 })
  const values = { a: 1, b: 1, c: 1, d: 1 }
  service.registerMetricGroup('gauge', { label: 'l' }).increment(values)
  service.registerMetricGroup('calculated', { label: 'l', calculate: () => values })
  service.registerCounterGroup('counter', { label: 'l' }).increment(values)
  service.registerHistogramGroup('histogram', { label: 'l' }).observe(values)
  service.registerSummaryGroup('summary', { label: 'l' }).observe(values)
  await service.scrape()
  const text = await service.scrape()

  for (const name of ['gauge', 'calculated', 'counter', 'histogram_sum', 'summary_sum']) {
    expect(linesOf(text, name)).toEqual([`${name}{l="a"} 1`, `${name}{l="b"} 1`, `${name}{l="other"} 2`])
  }
})

it('counts overflow even where the metrics themselves are more than maxSeries', async () => {
  const service = create({ maxSeries: 1 })
  for (const name of ['a', 'b']) service.registerCounterGroup(name, { label: 'l' }).increment({ x: 1, y: 1 })

  expect(linesOf(await service.scrape(), OVERFLOWED)).toEqual([
    `${OVERFLOWED}{metric="a"} 1`,
    `${OVERFLOWED}{metric="other"} 1`,
  ])
})

it('cuts a label value at maxLabelCharacters', async () => {
  const service = create()
  service.registerCounterGroup('c', { label: 'l' }).increment({ ['x'.repeat(100_000)]: 1 })
  expect(linesOf(await service.scrape(), 'c')).toEqual([`c{l="${'x'.repeat(128)}"} 1`])
})

it('never holds more label values than it may, of any length, and keeps whole characters', () => {
  const label = fc.string({ unit: 'binary', maxLength: 12 })
  fc.assert(
    fc.property(fc.array(label, { maxLength: 50 }), fc.integer({ min: 1, max: 8 }), (labels, max) => {
      let over = 0
      const limit = new SeriesLimit({ maxSeries: max, maxLabelCharacters: 6 }, () => (over += 1))
      const admitted = labels.map((value) => limit.admit(value))

      expect(new Set(admitted.filter((value) => value !== 'other')).size).toBeLessThanOrEqual(max)
      expect(admitted.every((value) => value.length <= 6 && value.isWellFormed())).toBe(true)
      expect(admitted.filter((value) => value === 'other')).toHaveLength(over)
    }),
  )
})

it('takes no value that a metric cannot hold, throws nothing, and counts it', async () => {
  const service = create()
  service.registerMetric('g').update(Number.NaN)
  service.registerMetricGroup('gg', { label: 'l' }).update({ a: Infinity })
  service.registerCounter('c').increment(-1)
  service.registerCounterGroup('cg', { label: 'l' }).increment({ a: Number.NaN })
  service.registerHistogram('h').observe(Number.NaN)
  service.registerSummary('s').observe(-Infinity)
  const text = await service.scrape()

  expect(linesOf(text, 'gridmesh_metrics_refused_values_total')).toHaveLength(6)
  expect(linesOf(text, 'g')).toEqual(['g 0'])
  expect(linesOf(text, 'c')).toEqual(['c 0'])
  expect(service.quantiles('h')).toBeUndefined()
})

it('takes label values that name parts of objects', async () => {
  const service = create()
  const group = service.registerCounterGroup('c', { label: 'l' })
  group.increment(JSON.parse('{"__proto__": 1, "constructor": 1, "hasOwnProperty": 1}'))

  expect(linesOf(await service.scrape(), 'c')).toHaveLength(3)
})

import type { ReportClass } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MAX_REPORT_WEIGHT, POINT_SCALE } from '../src/constants.ts'
import { isReportClass, REPORT_CLASSES, REPORT_RULES, zeroPerClass } from '../src/offences.ts'
import { addToTally, decay, pointsOf, settle, type Standing } from '../src/reputation.ts'

const report = fc.record({
  class: fc.constantFrom(...REPORT_CLASSES),
  weight: fc.option(fc.double({ min: 0, max: 10, noNaN: true }), { nil: undefined }),
})

function settleAll(reports: readonly { class: ReportClass; weight: number | undefined }[], lag: number): Standing {
  const tally = { total: 0, proven: 0 }
  for (const { class: name, weight } of reports) addToTally(tally, name, pointsOf(name, weight, lag))
  return settle({ reputation: 12.34, provenReputation: -5.67 }, tally)
}

it('gives the same score for the same reports in any order within a tick', () => {
  const shuffled = fc
    .array(report, { maxLength: 50 })
    .chain((reports) => fc.tuple(fc.constant(reports), fc.shuffledSubarray(reports, { minLength: reports.length })))
  fc.assert(
    fc.property(shuffled, fc.double({ min: 1, max: 20, noNaN: true }), ([reports, others], lag) => {
      expect(settleAll(others, lag)).toEqual(settleAll(reports, lag))
    }),
  )
})

it('stays within -100 and 100, and its proven part within -100 and 0, whatever is reported', () => {
  const any = fc.record({
    class: fc.constantFrom(...REPORT_CLASSES),
    weight: fc.option(fc.double(), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(any), fc.double(), (reports, lag) => {
      const { reputation, provenReputation } = settleAll(reports, lag)
      expect(Math.abs(reputation)).toBeLessThanOrEqual(100)
      expect(provenReputation).toBeLessThanOrEqual(0)
      expect(provenReputation).toBeGreaterThanOrEqual(-100)
    }),
  )
})

it('clamps once at the end of a tick, so that praise beyond the scale still weighs against blame', () => {
  const best: Standing = { reputation: 100, provenReputation: 0 }
  const tally = { total: 0, proven: 0 }
  addToTally(tally, 'useful', pointsOf('useful', 50, 1))
  addToTally(tally, 'rate-limited', pointsOf('rate-limited', 10, 1))
  expect(settle(best, tally).reputation).toBe(100)
})

it('charges nothing for what a peer does not have', () => {
  expect(pointsOf('absent', 100, 1)).toBe(0)
})

it('bans for a provable lie whatever the peer did before', () => {
  const tally = { total: 0, proven: 0 }
  addToTally(tally, 'provable-lie', pointsOf('provable-lie', undefined, 1))
  expect(settle({ reputation: 100, provenReputation: 0 }, tally)).toEqual({ reputation: -100, provenReputation: -100 })
})

it('divides time-based penalties, and no others, by our own lag', () => {
  for (const name of REPORT_CLASSES) {
    const share = REPORT_RULES[name].isTimeBased ? 4 : 1
    expect(pointsOf(name, 1, 4)).toBe(pointsOf(name, 1, 1) / share)
  }
  expect(pointsOf('slow', 1, 0.1)).toBe(pointsOf('slow', 1, 1))
  expect(pointsOf('slow', 1, Number.NaN)).toBe(pointsOf('slow', 1, 1))
})

it.each([
  [Number.NaN, 1],
  [Number.POSITIVE_INFINITY, 1],
  [-3, 0],
  [1e9, MAX_REPORT_WEIGHT],
])('takes a weight of %d as %d', (weight, taken) => {
  expect(pointsOf('useful', weight, 1)).toBe(taken * POINT_SCALE)
})

it('halves a score in one half-life, and leaves it alone when the clock goes backwards', () => {
  expect(decay(-80, 600_000, 600_000)).toBe(-40)
  expect(decay(-80, 1_200_000, 600_000)).toBe(-20)
  expect(decay(-80, 0, 600_000)).toBe(-80)
  expect(decay(-80, -5, 600_000)).toBe(-80)
})

it('has provable classes that are not time-based, with the longest bans', () => {
  expect(REPORT_CLASSES.filter((name) => REPORT_RULES[name].isProvable)).toEqual([
    'invalid-message',
    'protocol-violation',
    'invalid-signature',
    'provable-lie',
  ])
  expect(new Set(REPORT_CLASSES.map((name) => REPORT_RULES[name].banMs))).toEqual(
    new Set([0, 30 * 60_000, 12 * 3_600_000, 24 * 3_600_000]),
  )
  expect(Object.keys(zeroPerClass()).toSorted()).toEqual(Object.keys(REPORT_RULES).toSorted())
})

it('knows no class by the name of an object method', () => {
  expect(isReportClass('toString')).toBe(false)
  expect(isReportClass('slow')).toBe(true)
})

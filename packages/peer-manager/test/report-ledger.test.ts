import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cleanEvidence, explainLedger } from '../src/explain.ts'
import { REPORT_CLASSES } from '../src/offences.ts'
import { type LedgerEntry, ReportLedger } from '../src/report-ledger.ts'

const HOUR_MS = 3_600_000
const entry = fc.record({
  kind: fc.constantFrom(...REPORT_CLASSES, 'ban' as const, 'unban' as const),
  points: fc.integer({ min: -100, max: 100 }),
  evidence: fc.string({ maxLength: 10 }),
  atMs: fc.nat(1_000_000),
})

function make(kind: LedgerEntry['kind'], atMs: number, points = -2, evidence = ''): LedgerEntry {
  return { kind, points, evidence, atMs }
}

const nasty = fc.constantFrom('a', ' ', '\n', '\u0000', '\u001B', '\u202E', '\uD800', '\u{1F600}')

it('never holds more than maxEntries, and loses neither a count nor a point of what it folds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(entry, { maxLength: 40 }), (maxEntries, entries) => {
      const ledger = new ReportLedger(maxEntries)
      for (const one of entries) ledger.append(one)
      const state = ledger.state()
      expect(state.entries).toEqual(entries.slice(-maxEntries))
      const held = state.entries.reduce((sum, { points }) => sum + points, 0)
      expect(held + (state.summary?.points ?? 0)).toBe(entries.reduce((sum, { points }) => sum + points, 0))
      expect(state.entries.length + (state.summary?.count ?? 0)).toBe(entries.length)
      expect(explainLedger(state)).toHaveLength(state.entries.length + (state.summary === undefined ? 0 : 1))
    }),
  )
})

it('explains in words, newest first, the folded ones in one last line', () => {
  const ledger = new ReportLedger(2)
  ledger.append(make('slow', 0))
  ledger.append(make('useful', 1_000, 1))
  ledger.append(make('slow', 2_000, -0.5, 'block 7 after 12 s'))
  ledger.append(make('ban', 3_000, 0, 'until tomorrow'))
  expect(explainLedger(ledger.state())).toEqual([
    '1970-01-01T00:00:03.000Z 0 ban: until tomorrow',
    '1970-01-01T00:00:02.000Z -0.5 slow: block 7 after 12 s',
    '1970-01-01T00:00:00.000Z to 1970-01-01T00:00:01.000Z -1 in 2 earlier entries: 1 useful, 1 slow',
  ])
})

it('gives the longest ban among the late classes, even once their entries are folded', () => {
  const ledger = new ReportLedger(1)
  ledger.append(make('invalid-signature', 1_000))
  ledger.append(make('invalid-message', 2_000))
  ledger.append(make('slow', 3_000))
  expect(ledger.gravestBanMs(0, false)).toBe(24 * HOUR_MS)
  expect(ledger.gravestBanMs(1_500, false)).toBe(12 * HOUR_MS)
  expect(ledger.gravestBanMs(2_500, false)).toBe(HOUR_MS / 2)
})

it('is restored from its state, and folds what a smaller maxEntries has no room for', () => {
  const ledger = new ReportLedger(4)
  for (let index = 0; index < 6; index++) ledger.append(make('slow', index))
  const restored = new ReportLedger(1, ledger.state())
  expect(restored.state().entries).toHaveLength(1)
  expect(restored.state().summary).toMatchObject({ count: 5, fromMs: 0, toMs: 4 })
  expect(restored.gravestBanMs(0, false)).toBe(HOUR_MS / 2)
})

it('cuts evidence to its limit and takes control characters out', () => {
  expect(cleanEvidence('a\nb\u001B[31mc', 5)).toBe('a b [')
  expect(cleanEvidence('\u{1F600}', 1)).toBe('\uFFFD')
  fc.assert(
    fc.property(fc.string({ unit: nasty, maxLength: 30 }), fc.nat(20), (text, max) => {
      const clean = cleanEvidence(text, max)
      expect(clean.length).toBeLessThanOrEqual(max)
      expect(clean).not.toMatch(/\p{Cc}/u)
    }),
  )
})

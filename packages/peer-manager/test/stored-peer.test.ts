import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CorruptRecordError } from '../src/errors.ts'
import { REPORT_CLASSES } from '../src/offences.ts'
import { changeRecord, newRecord, scoredAt } from '../src/record.ts'
import { ReportLedger } from '../src/report-ledger.ts'
import { decodePeer, encodePeer } from '../src/stored-peer.ts'
import { at, makeHello, makePeerIds } from './support.ts'

const ids = await makePeerIds(1)
const id = at(ids, 0)
const NOW_MS = 5_000
const DAY_MS = 86_400_000
const hex = await readFile(new URL('fixtures/stored-peer-v1.hex', import.meta.url), 'utf8')
const golden = Buffer.from(hex.trim(), 'hex')
const text = golden.toString()

function decodeText(json: string, nowMs = NOW_MS): ReturnType<typeof decodePeer> {
  return decodePeer(id, new TextEncoder().encode(json), nowMs)
}

function errorName(run: () => unknown): string {
  try {
    run()
    return 'none'
  } catch (err) {
    return err instanceof Error ? err.name : 'no error'
  }
}

it('reads what version 1 wrote, and writes the same, with the time of the score', () => {
  const stored = decodeText(text)
  expect(stored.record).toMatchObject({
    state: 'banned',
    bannedUntilMs: 9_000,
    reputation: -60.5,
    lastSeenMs: 2_000,
    scoredMs: 2_000,
    hello: { role: 'authority' },
  })
  const score = '"provenReputation":-35'
  expect(new TextDecoder().decode(encodePeer(stored))).toBe(text.replace(score, `${score},"scoredMs":2000`))
})

it('gives back every record that it wrote', () => {
  const ms = fc.nat(NOW_MS)
  const entry = fc.record({
    kind: fc.constantFrom(...REPORT_CLASSES),
    points: fc.integer(),
    evidence: fc.string(),
    atMs: ms,
  })
  const changes = fc.record({
    addresses: fc.array(fc.string()),
    height: fc.nat(),
    firstSeenMs: ms,
    lastSeenMs: ms,
    scoredMs: ms,
    failures: fc.nat(),
    reputation: fc.double({ min: -100, max: 100, noNaN: true }).map((value) => value + 0),
    provenReputation: fc.double({ min: -100, max: -1, noNaN: true }),
    hello: fc.record({ role: fc.string(), region: fc.string(), capabilities: fc.array(fc.string()) }).map(makeHello),
  })
  fc.assert(
    fc.property(changes, fc.array(entry), fc.option(fc.integer({ min: NOW_MS + 1 })), (fields, entries, untilMs) => {
      const ban = untilMs === null ? {} : { state: 'banned' as const, bannedUntilMs: untilMs, banReason: 'why' }
      const record = changeRecord(newRecord(id, 0), { ...fields, ...ban })
      const ledger = new ReportLedger(3)
      for (const one of entries) ledger.append(one)
      const stored = decodePeer(id, encodePeer({ record, ledger: ledger.state() }), NOW_MS)
      expect(stored.record).toEqual(record)
      expect(stored.ledger).toEqual(ledger.state())
    }),
  )
})

it('drops a ban that is over', () => {
  expect(decodeText(text, 9_000).record).toMatchObject({ state: 'known', lastSeenMs: 2_000 })
  expect(decodeText(text, 9_000).record).not.toHaveProperty('bannedUntilMs')
})

it('keeps the times of a record while the clock is not set, so that it decays by no more than the time that passed', () => {
  const savedMs = Date.UTC(2026, 10, 20)
  const saved = changeRecord(newRecord(id, savedMs), { reputation: -45, provenReputation: -45 })
  const bytes = encodePeer({ record: saved, ledger: new ReportLedger(3).state() })
  const { record } = decodePeer(id, bytes, 60_000)
  expect(record).toMatchObject({ firstSeenMs: savedMs, lastSeenMs: savedMs, scoredMs: savedMs })
  const atOnce = scoredAt(record, 61_000, 600_000)
  const afterNtp = scoredAt(changeRecord(record, atOnce), savedMs + 600_000, 600_000)
  expect(afterNtp.reputation).toBeCloseTo(-22.5, 9)
})

it('keeps times up to a day ahead of a clock that is set, and takes later ones as now', () => {
  const nowMs = Date.UTC(2026, 10, 20)
  const aheadBy = (ms: number): number => {
    const record = newRecord(id, nowMs + ms)
    return decodePeer(id, encodePeer({ record, ledger: new ReportLedger(3).state() }), nowMs).record.scoredMs - nowMs
  }
  expect([1, DAY_MS, DAY_MS + 1, 100 * 365 * DAY_MS].map(aheadBy)).toEqual([1, DAY_MS, 0, 0])
})

it.each([
  ['nothing', ''],
  ['no object', '[]'],
  ['null', 'null'],
  ['another version', text.replace('"v":1', '"v":2')],
  ['a score beyond the scale', text.replace('-60.5', '-101')],
  ['praise in the proven part', text.replace('"provenReputation":-35', '"provenReputation":1')],
  ['a string for a number', text.replace('"height":7', '"height":"7"')],
  ['a number among the addresses', text.replace('"/memory/a/p2p/x"', '5')],
  ['no list of addresses', text.replace('["/memory/a/p2p/x"]', '{}')],
  ['an unknown kind', text.replace('"kind":"ban"', '"kind":"toString"')],
  ['a ban without a reason', text.replace('"banReason":"said so",', '')],
  ['a broken Hello', text.replace('"chainId":"c",', '')],
  ['a broken quota', text.replace('"messagesPerSecond":100', '"messagesPerSecond":null')],
  ['a broken summary', text.replace('"useful":0,', '')],
  ['no ledger', text.replace('"ledger":', '"other":')],
  ['a date beyond Date', text.replace('"bannedUntilMs":9000', '"bannedUntilMs":9e15')],
])('refuses %s with a typed error', (_, json) => {
  expect(json).not.toBe(text)
  expect(() => decodeText(json)).toThrow(
    expect.objectContaining({ name: CorruptRecordError.name, code: 'corrupt-record' }),
  )
})

it('throws nothing but its own error for any bytes, and for any cut or flip of good ones', () => {
  const flip = fc.tuple(fc.nat(golden.length - 1), fc.integer({ min: 1, max: 255 })).map(([place, bits]) => {
    const bytes = Uint8Array.from(golden)
    bytes[place] = at([...bytes], place) ^ bits
    return bytes
  })
  const cut = fc.nat(golden.length - 2).map((length) => golden.subarray(0, length))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), flip, cut), (bytes) => {
      expect(errorName(() => decodePeer(id, bytes, NOW_MS))).toMatch(/^(none|CorruptRecordError)$/)
    }),
    { numRuns: 1_000 },
  )
})

import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CorruptRecordError } from '../src/errors.ts'
import { REPORT_CLASSES } from '../src/offences.ts'
import { changeRecord, newRecord, rememberedHello } from '../src/record.ts'
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

it('reads what version 1 wrote, and writes the same, with its times and without the lists of the Hello', () => {
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
  const written = text
    .replace('"v":1', `"v":1,"savedMs":${NOW_MS}`)
    .replace(score, `${score},"scoredMs":2000`)
    .replace('["sync"]', '[]')
    .replace('"listenAddresses":["/memory/a"]', '"listenAddresses":[]')
  expect(new TextDecoder().decode(encodePeer(stored, NOW_MS))).toBe(written)
})

it('gives back every record that it wrote, but for the lists of its Hello', () => {
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
      const stored = decodePeer(id, encodePeer({ record, ledger: ledger.state() }, NOW_MS), NOW_MS)
      expect(stored.record).toEqual(changeRecord(record, { hello: rememberedHello(fields.hello) }))
      expect(stored.ledger).toEqual(ledger.state())
    }),
  )
})

it('drops a ban that is over', () => {
  expect(decodeText(text, 9_000).record).toMatchObject({ state: 'known', lastSeenMs: 2_000 })
  expect(decodeText(text, 9_000).record).not.toHaveProperty('bannedUntilMs')
})

it('counts the time since the writing up to a year, and none where the clock went back or on by more', () => {
  const record = changeRecord(newRecord(id, NOW_MS), {
    state: 'banned',
    bannedUntilMs: NOW_MS + DAY_MS,
    banReason: 'why',
  })
  const ledger = new ReportLedger(3)
  ledger.append({ kind: 'slow', points: -2, evidence: '', atMs: NOW_MS })
  const bytes = encodePeer({ record, ledger: ledger.state() }, NOW_MS)
  const readAfter = (ms: number): number[] => {
    const read = decodePeer(id, bytes, NOW_MS + ms)
    const { firstSeenMs, lastSeenMs, scoredMs, bannedUntilMs = NOW_MS + ms } = read.record
    const ages = [firstSeenMs, lastSeenMs, scoredMs, at(read.ledger.entries, 0).atMs, read.ledger.lastByClass.slow ?? 0]
    expect(new Set(ages).size).toBe(1)
    return [NOW_MS + ms - scoredMs, bannedUntilMs - NOW_MS - ms]
  }
  const year = 365 * DAY_MS
  expect(readAfter(DAY_MS - 1)).toEqual([DAY_MS - 1, 1])
  expect(readAfter(year)).toEqual([year, 0])
  for (const ms of [year + 1, 56 * year, -1_001, -56 * year]) expect(readAfter(ms)).toEqual([0, DAY_MS])
})

it('keeps a ban for ever whatever the clock says', () => {
  const record = changeRecord(newRecord(id, NOW_MS), { state: 'banned', bannedUntilMs: 8.64e15, banReason: 'why' })
  const bytes = encodePeer({ record, ledger: new ReportLedger(3).state() }, NOW_MS)
  expect(decodePeer(id, bytes, -56 * 365 * DAY_MS).record.bannedUntilMs).toBe(8.64e15)
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

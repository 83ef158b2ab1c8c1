import type { PeerStateChange, Reason } from '@gridmesh/interfaces'
import { MemoryDatastore } from 'datastore-core'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { REPORT_CLASSES, REPORT_RULES } from '../src/offences.ts'
import { at, fakeHandshake, fakeHealth, makeHello, makeManager, makePeerIds } from './support.ts'

const ids = await makePeerIds(12)
const [self, peer, other] = [at(ids, 0), at(ids, 1), at(ids, 2)]
const MINUTE_MS = 60_000
const WHY: Reason = { code: 'evicted', message: 'maxInbound is 50', limit: 'maxInbound', value: 50 }

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

it.each([
  ['slow', 30 * MINUTE_MS],
  ['rate-limited', 30 * MINUTE_MS],
  ['invalid-message', 12 * 60 * MINUTE_MS],
  ['protocol-violation', 12 * 60 * MINUTE_MS],
  ['invalid-signature', 24 * 60 * MINUTE_MS],
  ['provable-lie', 24 * 60 * MINUTE_MS],
] as const)('bans for %s alone for %d ms', async (reportClass, banMs) => {
  const { manager } = makeManager(self, { minPeers: 0 })
  await manager.start()
  manager.report(peer, { class: reportClass, weight: 50 })
  await vi.advanceTimersByTimeAsync(0)
  expect((manager.get(peer)?.bannedUntilMs ?? 0) - Date.now()).toBe(banMs)
  await manager.stop()
})

it('explains every change: the points of the lines add up to the reputation, and each says why in words', async () => {
  const report = fc.record({
    class: fc.constantFrom(...REPORT_CLASSES.filter((name) => name !== 'provable-lie')),
    weight: fc.double({ min: 0, max: 0.05, noNaN: true }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(report, { maxLength: 40 }),
      fc.double({ min: 1, max: 20, noNaN: true }),
      async (reports, lag) => {
        const { manager } = makeManager(self, {}, { health: fakeHealth(lag) })
        await manager.start()
        for (const one of reports) manager.report(peer, one)
        await vi.advanceTimersByTimeAsync(0)
        await manager.unban(peer)
        const lines = manager.explain(peer)
        const points = lines.map((line) => Number(line.split(' ')[1]))
        expect(points.reduce((sum, one) => sum + one, 0)).toBeCloseTo(manager.reputation(peer), 6)
        expect(lines).toHaveLength(reports.length)
        for (const [index, { class: name }] of reports.toReversed().entries()) {
          expect(at(lines, index)).toContain(`${name}: ${REPORT_RULES[name].inWords}`)
        }
        await manager.stop()
      },
    ),
    { numRuns: 50 },
  )
})

it('explains a pardon with the points that it gives back', async () => {
  const { manager } = makeManager(self)
  await manager.start()
  manager.report(peer, { class: 'provable-lie' })
  await vi.advanceTimersByTimeAsync(0)
  await manager.unban(peer)
  expect(manager.explain(peer)[0]).toContain('+100 unban: pardoned')
  await manager.stop()
})

it('pardons to the reputation that is left by then, and not to the one before the ban', async () => {
  const { manager } = makeManager(self, { halfLifeMs: 1_000 })
  await manager.start()
  manager.report(peer, { class: 'useful', weight: 80 })
  await vi.advanceTimersByTimeAsync(0)
  await manager.ban(peer, 'said so')
  await vi.advanceTimersByTimeAsync(3_000)
  await manager.unban(peer)
  expect(manager.reputation(peer)).toBeCloseTo(10, 1)
  await manager.stop()
})

it('gives the same explanation after a restart, entry by entry', async () => {
  const datastore = new MemoryDatastore()
  const first = makeManager(self, { maxLedgerEntries: 5 }, { datastore })
  await first.manager.start()
  for (let height = 1; height <= 8; height++) {
    first.manager.report(peer, { class: 'invalid-message', weight: 0.2, evidence: `block ${height}` })
  }
  await vi.advanceTimersByTimeAsync(0)
  const before = first.manager.explain(peer)
  await first.manager.stop()
  const second = makeManager(self, { maxLedgerEntries: 5 }, { datastore })
  await second.manager.start()
  expect(before).toHaveLength(6)
  expect(second.manager.explain(peer)).toEqual(before)
  expect(second.manager.reputation(peer)).toBeCloseTo(-16, 6)
  await second.manager.stop()
})

it('keeps what was proved over a restart though praise outweighs it', async () => {
  const datastore = new MemoryDatastore()
  const first = makeManager(self, {}, { datastore })
  await first.manager.start()
  first.manager.report(peer, { class: 'invalid-message' })
  first.manager.report(peer, { class: 'useful', weight: 10 })
  await first.manager.stop()
  const second = makeManager(self, {}, { datastore })
  await second.manager.start()
  expect(second.manager.get(peer)).toMatchObject({ reputation: 0, provenReputation: -10 })
  await second.manager.stop()
})

it('tells of each report, its points, and the reputation that it leads to at the end of the tick', async () => {
  const { manager } = makeManager(self)
  await manager.start()
  const told: [string, number, number][] = []
  manager.addEventListener('peer:report', ({ detail: { peer: of, report, points, reputation } }) => {
    expect(of.equals(peer)).toBe(true)
    told.push([report.class, points, reputation])
  })
  manager.report(peer, { class: 'slow', weight: 2, evidence: 'late' })
  manager.report(peer, { class: 'useful' })
  expect(told).toEqual([
    ['slow', -4, -4],
    ['useful', 1, -3],
  ])
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.reputation(peer)).toBe(-3)
  await manager.stop()
})

it('tells with each parting who parts and why, and with a loss that nobody explained nothing', async () => {
  const { libp2p, manager } = makeManager(self, { minPeers: 0 }, { handshake: fakeHandshake(async () => {}) })
  await manager.start()
  const told: Pick<PeerStateChange, 'to'>[] = []
  manager.addEventListener('peer:state', ({ detail: { to, reason, by } }) => {
    if (to === 'draining' || to === 'known' || to === 'banned')
      told.push({ to, ...(reason && { reason }), ...(by && { by }) })
  })
  const join = (one = peer): void => {
    libp2p.open(one)
    manager.markReady(one, makeHello())
  }

  join()
  await manager.disconnect(peer, WHY)
  join()
  manager.markDraining(peer, { reason: WHY, by: 'them' })
  for (const connection of libp2p.of(peer)) libp2p.close(connection)
  join()
  for (const connection of libp2p.of(peer)) libp2p.close(connection)
  join(other)
  await manager.ban(other, 'said so', 1_000)

  const until = new Date(Date.now() + 1_000).toISOString()
  const banned = { code: 'banned', message: `banned until ${until}: said so`, limit: 'durationMs', value: 1_000 }
  expect(told).toEqual([
    { to: 'draining', reason: WHY, by: 'us' },
    { to: 'known' },
    { to: 'draining', reason: WHY, by: 'them' },
    { to: 'known' },
    { to: 'known' },
    { to: 'banned', reason: banned, by: 'us' },
  ])
  await manager.stop()
})

it('tells a banned peer that came past the gater until when it is banned', async () => {
  const goodbyes: Reason[] = []
  const handshake = fakeHandshake(async (_, reason) => void goodbyes.push(reason))
  const { libp2p, manager } = makeManager(self, {}, { handshake })
  await manager.start()
  await manager.ban(peer, 'said so', MINUTE_MS)
  libp2p.open(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(goodbyes).toEqual([
    {
      code: 'banned',
      message: 'still banned until 1970-01-01T00:17:40.000Z: said so',
      limit: 'bannedUntilMs',
      value: 1_000_000 + MINUTE_MS,
    },
  ])
  await manager.stop()
})

it('makes room among strangers before it forgets a ban, however many bans fill the book', async () => {
  const { manager } = makeManager(self, { maxPeers: 5 })
  await manager.start()
  const bad = ids.slice(1, 6)
  for (const one of bad) await manager.ban(one, 'said so')
  for (const stranger of ids.slice(6)) manager.addCandidate({ id: stranger, addresses: [] })
  expect(bad.filter((one) => manager.isBanned(one))).toHaveLength(4)
  expect(manager.peers.size).toBe(5)
  await manager.stop()
})

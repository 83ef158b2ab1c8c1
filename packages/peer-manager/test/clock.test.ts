import { MemoryDatastore } from 'datastore-core'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { DefaultPeerManager } from '../src/peer-manager.ts'
import { at, makeManager, makePeerIds } from './support.ts'

const ids = await makePeerIds(3)
const [self, peer, other] = [at(ids, 0), at(ids, 1), at(ids, 2)]
const NOW_MS = Date.UTC(2026, 10, 20)
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
/** Long, so that days of simulated time are few rounds of it. */
const UPKEEP_MS = 10 * MINUTE_MS

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS })
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

async function start(datastore = new MemoryDatastore()): Promise<DefaultPeerManager> {
  const { manager } = makeManager(self, { minPeers: 0, upkeepIntervalMs: UPKEEP_MS }, { datastore })
  await manager.beforeStart()
  await manager.start()
  manager.afterStart()
  return manager
}

function setClock(byMs: number): void {
  vi.setSystemTime(Date.now() + byMs)
}

it('keeps a ban, and what is left of it, when the clock is put right, forward from 1970 or back from years ahead', async () => {
  setClock(-NOW_MS)
  const manager = await start()
  await manager.ban(peer, 'a lie', 24 * HOUR_MS)
  setClock(NOW_MS + 30 * YEAR_MS)
  await manager.ban(other, 'slow', HOUR_MS / 2)
  expect([peer, other].map((one) => manager.isBanned(one))).toEqual([true, true])
  setClock(-30 * YEAR_MS)

  await vi.advanceTimersByTimeAsync(UPKEEP_MS)
  const leftMs = [peer, other].map((one) => (manager.get(one)?.bannedUntilMs ?? 0) - Date.now())
  expect(leftMs).toEqual([24 * HOUR_MS - UPKEEP_MS, HOUR_MS / 2 - UPKEEP_MS])
  await vi.advanceTimersByTimeAsync(HOUR_MS / 2 - UPKEEP_MS)
  expect([peer, other].map((one) => manager.isBanned(one))).toEqual([true, false])
  await vi.advanceTimersByTimeAsync(24 * HOUR_MS - HOUR_MS / 2 - 1)
  expect(manager.isBanned(peer)).toBe(true)
  await vi.advanceTimersByTimeAsync(1)
  expect(manager.isBanned(peer)).toBe(false)
  await manager.stop()
})

it('fades a reputation by the time that passed, whatever the clock showed when it was earned', async () => {
  const datastore = new MemoryDatastore()
  const first = await start(datastore)
  setClock(YEAR_MS)
  first.report(peer, { class: 'invalid-message' })
  await vi.advanceTimersByTimeAsync(0)
  setClock(-YEAR_MS)
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS)
  expect(first.reputation(peer)).toBeCloseTo(-5, 3)
  expect(first.explain(peer)).toEqual([expect.stringMatching(/^2026-11-20T00:00:00\.000Z -10 invalid-message/)])
  setClock(73 * YEAR_MS)
  first.report(other, { class: 'invalid-message' })
  await first.stop()

  setClock(-73 * YEAR_MS - NOW_MS)
  const second = await start(datastore)
  expect(second.reputation(other)).toBeCloseTo(-10, 3)
  setClock(NOW_MS)
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS)
  expect(second.reputation(other)).toBeCloseTo(-5, 3)
  expect(second.get(other)?.lastSeenMs).toBeLessThan(Date.now())
  await second.stop()
})

it('takes an offence of the last half-life into account for a ban though the clock was set since', async () => {
  const manager = await start()
  manager.report(peer, { class: 'invalid-signature' })
  await vi.advanceTimersByTimeAsync(0)
  setClock(-YEAR_MS)
  await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
  manager.report(peer, { class: 'rate-limited', weight: 10 })
  await vi.advanceTimersByTimeAsync(0)
  setClock(YEAR_MS)
  await vi.advanceTimersByTimeAsync(12 * HOUR_MS)
  expect(manager.isBanned(peer)).toBe(true)
  await manager.stop()
})

it('has nobody seen in the future, or by what we send, when the clock was set between a message and a look', async () => {
  const manager = await start()
  manager.addCandidate({ id: peer, addresses: [] })
  const seenMs = (): number => (manager.get(peer)?.lastSeenMs ?? 0) - Date.now()
  setClock(YEAR_MS)
  manager.countTraffic(peer, 'high', 'in', 1)
  await vi.advanceTimersByTimeAsync(UPKEEP_MS)
  expect(seenMs()).toBe(0)
  setClock(-YEAR_MS)
  await vi.advanceTimersByTimeAsync(UPKEEP_MS)
  manager.countTraffic(peer, 'high', 'out', 1)
  expect(seenMs()).toBe(-UPKEEP_MS)
  await manager.stop()
})

const run = fc.record({
  // No clock at first, one that was stopped with the node or a little before, one that is right, one of nonsense.
  errorMs: fc.constantFrom(-NOW_MS, -HOUR_MS, 0, 30 * YEAR_MS),
  bansBefore: fc.option(fc.integer({ min: 1, max: 40 })),
  wrongMinutes: fc.nat(60),
  bansAfter: fc.option(fc.integer({ min: 1, max: 40 })),
  rightMinutes: fc.nat(12 * 60),
  isCrash: fc.boolean(),
  offMinutes: fc.nat(24 * 60),
})

it(
  'ends a ban when its time has passed, and not before, over any wrong clocks, restarts and crashes once the clock is right',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 5 }), async (runs) => {
        vi.setSystemTime(NOW_MS)
        let datastore = new MemoryDatastore()
        let endMs = 0
        for (const { errorMs, bansBefore, wrongMinutes, bansAfter, rightMinutes, isCrash, offMinutes } of runs) {
          setClock(errorMs)
          const manager = await start(datastore)
          const ban = async (hours: number | null, wrongByMs: number): Promise<void> => {
            if (hours === null) return
            const durationMs = hours * HOUR_MS + MINUTE_MS / 2
            endMs = Date.now() - wrongByMs + durationMs
            await manager.ban(peer, 'said so', durationMs)
          }
          await ban(bansBefore, errorMs)
          await vi.advanceTimersByTimeAsync(wrongMinutes * MINUTE_MS)
          // What a wrong clock cannot tell counts for the ban.
          expect(manager.isBanned(peer) || Date.now() - errorMs >= endMs).toBe(true)
          setClock(-errorMs)
          await vi.advanceTimersByTimeAsync(UPKEEP_MS)
          expect(manager.isBanned(peer)).toBe(Date.now() < endMs)
          await ban(bansAfter, 0)
          await vi.advanceTimersByTimeAsync(rightMinutes * MINUTE_MS)
          expect(manager.isBanned(peer)).toBe(Date.now() < endMs)
          const crashed = await copyOf(datastore)
          await manager.stop()
          if (isCrash) datastore = crashed
          vi.advanceTimersByTime(offMinutes * MINUTE_MS)
        }
      }),
      { numRuns: 60 },
    )
  },
)

async function copyOf(datastore: MemoryDatastore): Promise<MemoryDatastore> {
  const copy = new MemoryDatastore()
  for await (const { key, value } of datastore.query({})) await copy.put(key, value)
  return copy
}

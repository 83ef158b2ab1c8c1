import type { PeerId } from '@libp2p/interface'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { PingRecord } from '../src/index.ts'
import {
  at,
  type Bench,
  FakePeerManager,
  makeMonitor,
  makePeerIds,
  type PingBehaviour,
  startMonitor,
  stopMonitor,
} from './support.ts'

const ids = await makePeerIds(9)
const self = at(ids, 0)
const peers = ids.slice(1)
const SECOND_MS = 1_000
const INTERVAL_MS = 30 * SECOND_MS
const DEADLINE_MS = 10 * SECOND_MS
const RUNS = { numRuns: 20 }
const TIMEOUT_MS = 60_000

/** What peers do when they are pinged: answer soon, in time, too late, with an error, or not at all. */
const behaviour: fc.Arbitrary<PingBehaviour> = fc.oneof(
  fc.integer({ min: 0, max: 500 }),
  fc.integer({ min: 1, max: 15_000 }),
  fc.constant('silent' as const),
  fc.constant(new RangeError('broken')),
)
const crowd = fc.array(behaviour, { minLength: 1, maxLength: peers.length })
/** Behaviours that change over time: each holds for a minute. Too short a time for a link to count as dead. */
const story = fc.array(crowd, { minLength: 1, maxLength: 4 })

/** Nothing comes of a ping of it in time. */
function isDead(one: PingBehaviour): boolean {
  return typeof one !== 'number' || one > DEADLINE_MS
}

let bench: Bench
let manager: FakePeerManager

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})

afterEach(() => {
  vi.useRealTimers()
})

/** Lives through a story with all of its peers, and calls `check` after each minute. */
async function live(chapters: readonly PingBehaviour[][], check: (linked: readonly PeerId[]) => void): Promise<void> {
  bench = makeMonitor(self, {}, (libp2p) => {
    manager = new FakePeerManager(libp2p)
    return { peerManager: manager }
  })
  startMonitor(bench)
  const linked = peers.slice(0, Math.max(...chapters.map(({ length }) => length)))
  for (const peer of linked) manager.put(peer, 'ready')
  try {
    for (const chapter of chapters) {
      for (const [index, one] of chapter.entries()) bench.ping.set(at(linked, index), one)
      await vi.advanceTimersByTimeAsync(60 * SECOND_MS)
      check(linked)
    }
  } finally {
    await stopMonitor(bench)
    // Pings of the fake that nobody waits for any more.
    vi.clearAllTimers()
  }
}

/** Lives through any story, and checks after each minute of it. `pick` is any number. */
async function throughoutAnyStory(check: (linked: readonly PeerId[], pick: number) => void): Promise<void> {
  await fc.assert(
    fc.asyncProperty(story, fc.nat(), async (chapters, pick) => live(chapters, (linked) => check(linked, pick))),
    RUNS,
  )
}

/** The score and health that pings lead to, told without the code under test. */
function naive(history: readonly PingRecord[]): { score: number; isHealthy: boolean } {
  let [score, isHealthy] = [50, true]
  for (const { failure } of history) {
    score = failure === undefined ? Math.min(100, score + 5) : Math.max(0, score - 10)
    if (score < 30) isHealthy = false
    if (score >= 50) isHealthy = true
  }
  return { score, isHealthy }
}

it(
  'pings each of many peers every 30 s, whatever they do, and waits no longer than 10 s for any',
  { timeout: TIMEOUT_MS },
  async () => {
    await throughoutAnyStory((linked) => {
      for (const peer of linked) {
        const times = bench.ping.of(peer)
        const gaps = times.slice(1).map((time, index) => time - at(times, index))
        // A beat late at most; the second ping is spread over the interval, and may follow the first at once.
        expect(Math.max(0, ...gaps)).toBeLessThanOrEqual(INTERVAL_MS + SECOND_MS)
        expect(Math.min(INTERVAL_MS, ...gaps.slice(1))).toBeGreaterThanOrEqual(0.9 * INTERVAL_MS - SECOND_MS)
        for (const { failure, latencyMs } of bench.monitor.history(peer)) {
          expect((latencyMs ?? DEADLINE_MS) <= DEADLINE_MS).toBe(true)
          expect([undefined, 'TimeoutError', 'RangeError']).toContain(failure)
        }
      }
    })
  },
)

it(
  'scores each peer by its own pings alone: from 0 to 100, unhealthy below 30, healthy again from 50',
  { timeout: TIMEOUT_MS },
  async () => {
    await throughoutAnyStory((linked) => {
      for (const peer of linked) {
        const history = bench.monitor.history(peer)
        const { score, isHealthy } = naive(history)
        expect(bench.monitor.get(peer)).toMatchObject({ score, isHealthy, pings: history.length })
        expect(score >= 0 && score <= 100).toBe(true)
        const answered = history.filter(({ failure }) => failure === undefined)
        expect(bench.monitor.get(peer)?.latency?.lastMs).toBe(answered.at(-1)?.latencyMs)
        expect(bench.monitor.get(peer)?.availability).toBeCloseTo(answered.length / history.length, 9)
      }
    })
  },
)

it(
  'sorts the peers by score and then by latency, and averages over exactly those',
  { timeout: TIMEOUT_MS },
  async () => {
    await throughoutAnyStory((linked) => {
      const snapshot = bench.monitor.snapshot()
      expect(snapshot.map(({ peer }) => peer.toString()).toSorted()).toEqual(linked.map(String).toSorted())
      for (const [index, { score, latency }] of snapshot.slice(1).entries()) {
        const before = at(snapshot, index)
        expect(before.score).toBeGreaterThanOrEqual(score)
        const isTied = before.score === score && before.latency !== undefined && latency !== undefined
        expect(!isTied || before.latency.smoothedMs <= latency.smoothedMs).toBe(true)
      }
      const mean = snapshot.reduce((sum, { score }) => sum + score, 0) / snapshot.length
      expect(bench.monitor.averages()).toMatchObject({ peers: snapshot.length })
      expect(bench.monitor.averages().score).toBeCloseTo(mean, 9)
    })
  },
)

it(
  'forgets a peer that is reset, measures it anew from 50, and leaves all others as they were',
  { timeout: TIMEOUT_MS },
  async () => {
    await throughoutAnyStory((linked, pick) => {
      const chosen = at(linked, pick % linked.length)
      const others = linked.filter((peer) => peer !== chosen)
      const before = others.map((peer) => bench.monitor.get(peer))
      expect(bench.monitor.reset(chosen)).toBe(true)
      expect([bench.monitor.get(chosen), bench.monitor.score(chosen)]).toEqual([undefined, undefined])
      expect(bench.monitor.history(chosen)).toEqual([])
      expect(others.map((peer) => bench.monitor.get(peer))).toEqual(before)
    })
  },
)

it(
  'closes the links on which nothing comes for 300 s, unhealthy by then, and no others',
  { timeout: TIMEOUT_MS },
  async () => {
    await fc.assert(
      fc.asyncProperty(crowd, async (chapter) => {
        await live(
          Array.from({ length: 8 }, () => chapter),
          () => {},
        )
        const dead = chapter.flatMap((one, index) => (isDead(one) ? [at(peers, index).toString()] : []))
        expect(new Set(manager.disconnects.map(({ key }) => key))).toEqual(new Set(dead))
        for (const { reason } of manager.disconnects) {
          expect(reason).toMatchObject({ code: 'unseen', limit: 'maxUnseenMs', value: 300_000 })
        }
        const blamed = new Set(manager.reports.map(({ key }) => key))
        expect(blamed).toEqual(new Set(dead))
      }),
      RUNS,
    )
  },
)

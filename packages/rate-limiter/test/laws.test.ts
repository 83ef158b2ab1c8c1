import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Lane, RateCost } from '@gridmesh/interfaces'
import { TrafficLimiter, type TrafficLimiterInit } from '../src/index.ts'
import { excesses, type Pass } from './window.ts'

interface Take {
  peer: string
  protocol: string
  cost: Required<RateCost>
  lane: Lane
  /** Since the take before. */
  stepMs: number
}

const rate = fc.double({ min: 0.1, max: 1_000, noNaN: true })
const limits = fc.record({
  messagesPerSecond: rate,
  messagesBurst: rate,
  bytesPerSecond: rate,
  bytesBurst: rate,
  streamsPerSecond: rate,
  streamsBurst: rate,
  totalMessagesPerSecond: rate,
  totalMessagesBurst: rate,
})
const cost = fc.record({
  messages: fc.nat(30),
  bytes: fc.nat(2_000),
  streams: fc.nat(30),
})

function takes(stepMs: fc.Arbitrary<number>): fc.Arbitrary<Take[]> {
  const peer = fc.constantFrom('a', 'b', 'c')
  const protocol = fc.constantFrom('/x/1', '/y/1')
  const lane = fc.constantFrom<Lane>('critical', 'high', 'normal', 'bulk')
  return fc.array(fc.record({ peer, protocol, cost, lane, stepMs }), { maxLength: 60 })
}

const forward = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2_000, noNaN: true }), fc.nat(50))
const anyhow = fc.oneof(forward, fc.double({ min: -5_000, max: 5_000, noNaN: true }), fc.constantFrom(1e18, -1e18))

/** What passed, at the times that went forward. */
interface Passes {
  readonly keys: ReadonlyMap<string, Pass[]>
  readonly critical: readonly Pass[]
  readonly others: readonly Pass[]
}

function run(init: TrafficLimiterInit, all: Take[]): Passes {
  const limiter = new TrafficLimiter(init)
  const keys = new Map<string, Pass[]>()
  const critical: Pass[] = []
  const others: Pass[] = []
  let atMs = 0
  let forwardMs = 0
  for (const { peer, protocol, cost: given, lane, stepMs } of all) {
    const before = atMs
    atMs += stepMs
    // A longer leap is not believed.
    forwardMs += Math.min(Math.max(0, atMs - before), 86_400_000)
    if (!limiter.take(peer, protocol, given, atMs, lane).ok) continue
    const pass: Pass = { atMs: forwardMs, ...given }
    const key = `${peer} ${protocol}`
    keys.set(key, [...(keys.get(key) ?? []), pass])
    const total = lane === 'critical' ? critical : others
    total.push(pass)
  }
  return { keys, critical, others }
}

/** Every window in which the law does not hold. */
function breaches(init: Required<Omit<TrafficLimiterInit, 'protocols' | 'maxKeys'>>, all: Take[]): string[] {
  const { keys, critical, others } = run(init, all)
  const found = [critical, others].flatMap((total) =>
    excesses(total, 'messages', init.totalMessagesPerSecond, init.totalMessagesBurst, 'never above'),
  )
  for (const passes of keys.values()) {
    found.push(
      ...excesses(passes, 'messages', init.messagesPerSecond, init.messagesBurst, 'largest cost may exceed'),
      ...excesses(passes, 'bytes', init.bytesPerSecond, init.bytesBurst, 'largest cost may exceed'),
      ...excesses(passes, 'streams', init.streamsPerSecond, init.streamsBurst, 'largest cost may exceed'),
    )
  }
  return found
}

it('passes no more than burst + rate × w in any window w, per key, and in all of `critical` and of all other lanes', () => {
  fc.assert(
    fc.property(limits, takes(forward), (init, all) => {
      expect(breaches(init, all)).toEqual([])
    }),
    { numRuns: 300 },
  )
})

it('passes no more than that of the time that went forward when the clock jumps to and fro', () => {
  fc.assert(
    fc.property(limits, takes(anyhow), (init, all) => {
      expect(breaches(init, all)).toEqual([])
    }),
    { numRuns: 300 },
  )
})

it('charges nothing where it refuses: every verdict is what it would be had only the passes been', () => {
  // Rates and times that binary fractions hold exactly, so that no rounding can turn a verdict.
  const exactRate = fc.constantFrom(125, 250, 500, 1_000)
  const exactLimits = fc.record({
    messagesPerSecond: exactRate,
    messagesBurst: fc.integer({ min: 1, max: 60 }),
    bytesPerSecond: exactRate,
    bytesBurst: fc.integer({ min: 1, max: 3_000 }),
    streamsPerSecond: exactRate,
    streamsBurst: fc.integer({ min: 1, max: 60 }),
    totalMessagesPerSecond: exactRate,
    totalMessagesBurst: fc.integer({ min: 1, max: 90 }),
  })
  fc.assert(
    fc.property(exactLimits, takes(fc.nat(60)), (init, all) => {
      const limiter = new TrafficLimiter(init)
      const passed: (Take & { atMs: number })[] = []
      let atMs = 0
      for (const take of all) {
        atMs += take.stepMs
        const replay = new TrafficLimiter(init)
        for (const past of passed) replay.take(past.peer, past.protocol, past.cost, past.atMs, past.lane)
        const verdict = limiter.take(take.peer, take.protocol, take.cost, atMs, take.lane)
        expect(verdict).toEqual(replay.take(take.peer, take.protocol, take.cost, atMs, take.lane))
        if (verdict.ok) passed.push({ ...take, atMs })
      }
    }),
    { numRuns: 200 },
  )
})

it('sweeping changes no verdict', () => {
  fc.assert(
    fc.property(limits, takes(forward), fc.infiniteStream(fc.boolean()), (init, all, sweeps) => {
      const swept = new TrafficLimiter(init)
      const kept = new TrafficLimiter(init)
      let atMs = 0
      for (const { peer, protocol, cost: given, stepMs } of all) {
        atMs += stepMs
        if (sweeps.next().value === true) swept.sweep(atMs)
        expect(swept.take(peer, protocol, given, atMs).ok).toBe(kept.take(peer, protocol, given, atMs).ok)
      }
    }),
    { numRuns: 300 },
  )
})

it('lets a refused take pass after retryAfterMs when nobody else takes', () => {
  fc.assert(
    fc.property(limits, takes(forward), cost, (init, before, last) => {
      const limiter = new TrafficLimiter(init)
      let atMs = 0
      for (const { peer, protocol, cost: given, stepMs } of before) {
        atMs += stepMs
        limiter.take(peer, protocol, given, atMs)
      }
      let verdict = limiter.take('a', '/x/1', last, atMs)
      // The peer's own limit first, then the total, each with a rounding error to spare.
      for (let tries = 0; tries < 4 && !verdict.ok && verdict.retryAfterMs < Infinity; tries += 1) {
        atMs += verdict.retryAfterMs
        verdict = limiter.take('a', '/x/1', last, atMs)
      }
      expect(verdict.ok).toBe(last.messages <= init.totalMessagesBurst)
    }),
    { numRuns: 300 },
  )
})

it('holds no more keys than maxKeys, and never forgets one that owes', () => {
  fc.assert(
    fc.property(limits, takes(forward), fc.integer({ min: 1, max: 5 }), (init, all, maxKeys) => {
      const bounded = new TrafficLimiter({ ...init, maxKeys })
      let atMs = 0
      const passes = new Map<string, Pass[]>()
      for (const { peer, protocol, cost: given, stepMs } of all) {
        atMs += stepMs
        const isOk = bounded.take(peer, protocol, given, atMs).ok
        expect(bounded.size).toBeLessThanOrEqual(maxKeys)
        if (isOk) passes.set(`${peer} ${protocol}`, [...(passes.get(`${peer} ${protocol}`) ?? []), { atMs, ...given }])
      }
      for (const of of passes.values()) {
        const found = excesses(of, 'bytes', init.bytesPerSecond, init.bytesBurst, 'largest cost may exceed')
        expect(found).toEqual([])
      }
    }),
    { numRuns: 300 },
  )
})

import assert from 'node:assert/strict'
import type { RateCost } from '../../limits.ts'
import type { ConformanceCase } from '../case.ts'
import { assertTyped } from '../expectations.ts'
import { assertWindows, type Pass, type RateLimiterBench, type RateLimiterTrial } from './trial.ts'

const FAST = { messagesPerSecond: 100, messagesBurst: 20 }
/** So slow that what is regained during a case counts for nothing. */
const SLOW = { messagesPerSecond: 0.001, messagesBurst: 10 }
const ROUNDS = 40
const NO_COSTS: readonly RateCost[] = [{ messages: 0 }, { messages: 0, bytes: 0, streams: 0 }]
const ODD_COSTS: readonly RateCost[] = [
  { messages: -5 },
  { messages: Number.NaN },
  { messages: Number.POSITIVE_INFINITY },
  { messages: 1, bytes: -1 },
  { messages: 1, streams: Number.NaN },
]

/** `take`: what peers may send us. */
export function inboundCases(bench: RateLimiterBench): ConformanceCase[] {
  const { perProtocol = true } = bench.harness
  return [
    bench.law('never passes more than burst + rate × w in a window of w', FAST, windows),
    bench.law('passes the whole burst at once, and then refuses', SLOW, (trial) => {
      for (let taken = 0; taken < SLOW.messagesBurst; taken++) assert.ok(trial.take(0).ok, `refused after ${taken}`)
      assert.equal(trial.take(0).ok, false)
    }),
    bench.law('names the limit that refused, its value, and a time to wait above 0', FAST, (trial) => {
      const { limit, value, retryAfterMs } = trial.exhaust(0, 10_000)
      assert.ok(typeof limit === 'string' && limit !== '', `the limit is ${limit}`)
      assert.ok(Number.isFinite(value) && value > 0, `its value is ${value}`)
      assert.ok(retryAfterMs > 0, `retryAfterMs is ${retryAfterMs}`)
    }),
    bench.law('passes again once the time to wait is over', FAST, async (trial) => {
      for (let rounds = 0; rounds < 3; rounds++) {
        const { retryAfterMs } = trial.exhaust(0, 10_000)
        await trial.advance(retryAfterMs)
        // Real time too may have passed, for the limiter or not: never less than was asked for.
        assert.ok(trial.take(0).ok, `refused after waiting ${retryAfterMs} ms`)
      }
    }),
    bench.law('charges nothing for what it refuses', SLOW, (trial) => {
      for (let taken = 1; taken < SLOW.messagesBurst; taken++) trial.take(0)
      for (let refused = 0; refused < 100; refused++) assert.equal(trial.take(0, { messages: 2 }).ok, false)
      assert.ok(trial.take(0).ok, 'what was refused has used up what was left')
      assert.equal(trial.take(0).ok, false)
    }),
    bench.law('charges no part of a cost that it refuses', SLOW, (trial) => {
      trial.take(0, { messages: SLOW.messagesBurst })
      for (let refused = 0; refused < 100; refused++) assert.equal(trial.take(0, { messages: 1, streams: 1 }).ok, false)
      assert.ok(trial.take(0, { streams: 1 }).ok, 'streams of refused messages were charged')
    }),
    bench.law('keeps peers apart', SLOW, (trial) => {
      trial.exhaust(0, SLOW.messagesBurst)
      for (let taken = 0; taken < SLOW.messagesBurst; taken++) assert.ok(trial.take(1).ok, `refused after ${taken}`)
      assert.equal(trial.take(1).ok, false)
    }),
    ...(perProtocol
      ? [
          bench.law('keeps protocols apart', SLOW, (trial) => {
            trial.exhaust(0, SLOW.messagesBurst)
            assert.ok(trial.take(0, undefined, '/conformance-other/1').ok)
            assert.equal(trial.take(0).ok, false)
          }),
        ]
      : []),
    bench.law('charges one message by default, and none for the open of a stream', SLOW, (trial) => {
      trial.exhaust(0, SLOW.messagesBurst)
      assert.ok(trial.take(0, { streams: 1 }).ok)
      for (const cost of [{}, { bytes: 1 }]) assert.equal(trial.take(0, cost).ok, false)
    }),
    bench.law('charges nothing for a cost of nothing', SLOW, (trial) => {
      for (let times = 0; times < 100; times++) for (const cost of NO_COSTS) assert.ok(trial.take(0, cost).ok)
      for (let taken = 0; taken < SLOW.messagesBurst; taken++) assert.ok(trial.take(0).ok, `refused after ${taken}`)
    }),
    bench.law('gives no credit for a cost that is no cost', SLOW, (trial) => {
      for (const cost of ODD_COSTS) takeOdd(trial, cost)
      trial.exhaust(0, SLOW.messagesBurst)
      // Owed or not: neither is to become less.
      for (const cost of ODD_COSTS) takeOdd(trial, cost)
      assert.equal(trial.take(0).ok, false)
    }),
  ]
}

/** Takes what is no cost: a limiter may refuse it, or throw and say what is wrong with it. */
function takeOdd(trial: RateLimiterTrial, cost: RateCost): void {
  try {
    trial.take(0, cost)
  } catch (err) {
    assertTyped(err, `take of ${JSON.stringify(cost)}`)
  }
}

/** Bursts and pauses of many lengths, the same in every run. */
async function windows(trial: RateLimiterTrial): Promise<void> {
  const passes: Pass[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (let tries = 0; tries < 2 * FAST.messagesBurst; tries++) {
      const messages = 1 + (tries % 3)
      const notBeforeMs = trial.nowMs()
      const { ok } = trial.take(0, { messages })
      if (ok) passes.push({ messages, notBeforeMs, notAfterMs: trial.nowMs() })
    }
    await trial.advance((round * 7) % 60)
  }
  assertWindows(passes, FAST.messagesBurst, FAST.messagesPerSecond)
  const passed = passes.reduce((sum, { messages }) => sum + messages, 0)
  assert.ok(passed > FAST.messagesBurst, `only ${passed} messages passed, so the rate gives nothing back`)
}

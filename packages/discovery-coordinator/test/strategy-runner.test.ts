import { defaultLogger } from '@libp2p/logger'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { SourcedCandidate } from '../src/strategy.ts'
import { StrategyRunner } from '../src/strategy-runner.ts'
import { at, candidateOf, makePeerIds } from './support.ts'

const DEADLINE_MS = 1_000
const ids = await makePeerIds(1)

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

async function* offerAndHang(offers: readonly SourcedCandidate[]): AsyncGenerator<SourcedCandidate> {
  yield* offers
  await new Promise(() => {})
}

it.each([
  ['fails a strategy that is late and brought nothing', [], 'failed', 'open'],
  ['fails no strategy that is late and brought a candidate', [candidateOf(at(ids, 0), 0)], 'succeeded', 'closed'],
] as const)('%s', async (_title, offers, outcome, breaker) => {
  const outcomes: string[] = []
  const host = { take: () => true, onRun: (_strategy: unknown, what: string) => void outcomes.push(what) }
  const init = { deadlineMs: DEADLINE_MS, maxCandidates: 9, breaker: { failures: 1, coolDownMs: 1, maxCoolDownMs: 1 } }
  const strategy = { name: 'late', discover: () => offerAndHang(offers) }
  const runner = new StrategyRunner(strategy, init, host, defaultLogger().forComponent('test'))
  runner.start([], new AbortController().signal)
  await vi.advanceTimersByTimeAsync(DEADLINE_MS - 1)
  expect(outcomes).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect([...outcomes, runner.breaker.state]).toEqual([outcome, breaker])
})

import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Batcher } from '../src/batcher.ts'
import type { BatcherInit } from '../src/batcher.ts'
import { MESSAGE_OVERHEAD_BYTES } from '../src/constants.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const LIMITS: BatcherInit = { batchDelayMs: 5, maxBatchBytes: 100, maxBatchMessages: 10, maxPendingBatches: 3 }

function batcher(init: Partial<BatcherInit> = {}): { under: Batcher<string, number>; sent: [string, number[]][] } {
  const sent: [string, number[]][] = []
  const under = new Batcher<string, number>({ ...LIMITS, ...init }, async (shared, messages) => {
    sent.push([shared, messages.map(([id = -1]) => id)])
    return sent.length
  })
  return { under, sent }
}

function message(id: number, bytes = 1): Uint8Array {
  return new Uint8Array(bytes).fill(id)
}

it('sends what came within batchDelayMs as one, and gives every caller its one result', async () => {
  const { under, sent } = batcher()
  const results = [under.add('a', 'a', message(1)), under.add('a', 'a', message(2))]
  await vi.advanceTimersByTimeAsync(4)
  expect(sent).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toEqual([['a', [1, 2]]])
  expect(await Promise.all(results)).toEqual([1, 1])
  expect(vi.getTimerCount()).toBe(0)
})

it('sends at once when maxBatchMessages or maxBatchBytes is reached', () => {
  const { under, sent } = batcher()
  for (let id = 0; id < 10; id++) void under.add('a', 'a', message(id))
  expect(sent).toHaveLength(1)
  void under.add('b', 'b', message(1, 100 - MESSAGE_OVERHEAD_BYTES))
  expect(sent).toHaveLength(2)
  expect(under.size).toBe(0)
})

it('never sends more than maxBatchBytes in a batch of several, and a larger message alone and in its turn', () => {
  const { under, sent } = batcher()
  void under.add('a', 'a', message(1, 50))
  void under.add('a', 'a', message(2, 50))
  expect(sent).toEqual([['a', [1]]])
  void under.add('a', 'a', message(3, 500))
  expect(sent.map(([, ids]) => ids[0])).toEqual([1, 2, 3])
})

it('sends the oldest batch early when maxPendingBatches are waiting', () => {
  const { under, sent } = batcher()
  for (const key of ['a', 'b', 'c', 'd']) void under.add(key, key, message(1))
  expect(sent).toEqual([['a', [1]]])
  expect(under.size).toBe(3)
  under.flush()
  expect(sent).toHaveLength(4)
  expect(vi.getTimerCount()).toBe(0)
})

it('takes a message back whose caller aborts before it is sent, and the timer of a batch that all have left', async () => {
  const { under, sent } = batcher()
  const abort = new AbortController()
  const left = under.add('a', 'a', message(1), abort.signal)
  const stayed = under.add('a', 'a', message(2))
  abort.abort(new TypeError('changed my mind'))
  await expect(left).rejects.toThrow('changed my mind')
  await vi.advanceTimersByTimeAsync(5)
  expect(sent).toEqual([['a', [2]]])
  await stayed

  const alone = new AbortController()
  const gone = under.add('a', 'a', message(3), alone.signal)
  alone.abort(new TypeError('alone'))
  await expect(gone).rejects.toThrow('alone')
  expect(vi.getTimerCount()).toBe(0)
  expect(sent).toHaveLength(1)
})

it('stops waiting, and nothing else, when a caller aborts after the batch is sent', async () => {
  const gate = Promise.withResolvers<number>()
  const under = new Batcher<string, number>(LIMITS, () => gate.promise)
  const abort = new AbortController()
  const left = under.add('a', 'a', message(1), abort.signal)
  const stayed = under.add('a', 'a', message(2))
  under.flush()
  abort.abort(new TypeError('too late'))
  await expect(left).rejects.toThrow('too late')
  gate.resolve(7)
  expect(await stayed).toBe(7)
})

it('fails every caller of a batch that could not be sent, with the same error', async () => {
  const error = new TypeError('no carrier')
  const under = new Batcher<string, number>(LIMITS, () => Promise.reject(error))
  const results = Promise.allSettled([under.add('a', 'a', message(1)), under.add('a', 'a', message(2))])
  under.flush()
  expect(await results).toEqual([
    { status: 'rejected', reason: error },
    { status: 'rejected', reason: error },
  ])
})

it('keeps the order under every key, loses nothing and doubles nothing', async () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    bytes: fc.integer({ min: 2, max: 130 }),
    waitMs: fc.constantFrom(0, 0, 0, 2, 6),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const { under, sent } = batcher()
      const results: Promise<number>[] = []
      for (const [id, { key, bytes, waitMs }] of steps.entries()) {
        results.push(under.add(key, key, message(id, bytes)))
        if (waitMs > 0) await vi.advanceTimersByTimeAsync(waitMs)
        expect(under.size).toBeLessThanOrEqual(LIMITS.maxPendingBatches)
      }
      under.flush()
      await Promise.all(results)
      for (const key of ['a', 'b', 'c', 'd', 'e']) {
        const out = sent.filter(([shared]) => shared === key).flatMap(([, ids]) => ids)
        expect(out).toEqual([...steps.entries()].filter(([, each]) => each.key === key).map(([id]) => id))
      }
      for (const [, ids] of sent) expect(ids.length).toBeLessThanOrEqual(LIMITS.maxBatchMessages)
      expect(vi.getTimerCount()).toBe(0)
    }),
    { numRuns: 60 },
  )
})

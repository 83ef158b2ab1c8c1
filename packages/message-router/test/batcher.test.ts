import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Batcher } from '../src/batcher.ts'
import type { BatcherInit, Flight } from '../src/batcher.ts'
import { MESSAGE_OVERHEAD_BYTES } from '../src/constants.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const LIMITS: BatcherInit = {
  batchDelayMs: 5,
  maxBatchHoldMs: 50,
  maxBatchBytes: 100,
  maxBatchMessages: 10,
  maxPendingBatches: 3,
}

interface Harness {
  under: Batcher<string, number>
  sent: [string, number[]][]
}

/** One whose batches come through `flightMs` after they were sent, or at once. */
function batcher(init: Partial<BatcherInit> = {}, flightMs = 0, paceMs = 0): Harness {
  const sent: [string, number[]][] = []
  const under = new Batcher<string, number>({ ...LIMITS, ...init }, (shared, messages) => {
    sent.push([shared, messages.map(([id = -1]) => id)])
    const landed = flightMs === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, flightMs))
    return { sent: Promise.resolve(sent.length), landed, paceMs }
  })
  return { under, sent }
}

/** A flight whose messages come to `sent`, and that comes through with them. */
const flight = (sent: Promise<number>): Flight<number> => ({ sent, landed: sent })

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
  const under = new Batcher<string, number>(LIMITS, () => flight(gate.promise))
  const abort = new AbortController()
  const left = under.add('a', 'a', message(1), abort.signal)
  const stayed = under.add('a', 'a', message(2))
  under.flush()
  abort.abort(new TypeError('too late'))
  await expect(left).rejects.toThrow('too late')
  gate.resolve(7)
  expect(await stayed).toBe(7)
})

it('leaves no listener on the signal of a caller, however its wait ends', async () => {
  const { under } = batcher()
  const { signal } = new AbortController()
  const sent = under.add('a', 'a', message(1), signal)
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  under.flush()
  await sent
  expect(getEventListeners(signal, 'abort')).toEqual([])

  const failing = new Batcher<string, number>(LIMITS, () => flight(Promise.reject(new TypeError('not sent'))))
  const failed = failing.add('a', 'a', message(1), signal)
  failing.flush()
  await expect(failed).rejects.toThrow('not sent')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('fails every caller of a batch that could not be sent, with the same error', async () => {
  const error = new TypeError('no carrier')
  const under = new Batcher<string, number>(LIMITS, () => flight(Promise.reject(error)))
  const results = Promise.allSettled([under.add('a', 'a', message(1)), under.add('a', 'a', message(2))])
  under.flush()
  expect(await results).toEqual([
    { status: 'rejected', reason: error },
    { status: 'rejected', reason: error },
  ])
})

it('holds a batch while the one before it is in flight, and sends it as soon as that has come through', async () => {
  const { under, sent } = batcher({}, 30)
  void under.add('a', 'a', message(1))
  await vi.advanceTimersByTimeAsync(5)
  for (const id of [2, 3]) {
    void under.add('a', 'a', message(id))
    await vi.advanceTimersByTimeAsync(10)
  }
  await vi.advanceTimersByTimeAsync(9)
  expect(sent).toEqual([['a', [1]]])
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toEqual([
    ['a', [1]],
    ['a', [2, 3]],
  ])
})

it('holds no batch for longer than maxBatchHoldMs after the one before it', async () => {
  const { under, sent } = batcher({}, 10_000)
  void under.add('a', 'a', message(1))
  await vi.advanceTimersByTimeAsync(5)
  void under.add('a', 'a', message(2))
  await vi.advanceTimersByTimeAsync(49)
  expect(sent).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toHaveLength(2)
  // What left last counts, and not what came through since.
  void under.add('a', 'a', message(3))
  await vi.advanceTimersByTimeAsync(49)
  expect(sent).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toHaveLength(3)
})

it.each([
  // Come through before the pace is over, after the next one was due, after the pace, and beyond maxBatchHoldMs.
  [0, 40, 40],
  [20, 40, 40],
  [45, 40, 45],
  [10_000, 40, 50],
  [10_000, 80, 80],
  [0, 80, 80],
  // Without a wait for what is in flight the pace of the kind is kept all the same.
  [0, 40, 40, 0],
  [10_000, 40, 40, 0],
])(
  'holds the next batch of one that came through after %d ms, at a pace of %d ms, for %d ms',
  async (flightMs, paceMs, heldMs, maxBatchHoldMs = LIMITS.maxBatchHoldMs) => {
    const { under, sent } = batcher({ maxBatchHoldMs }, flightMs, paceMs)
    void under.add('a', 'a', message(1))
    await vi.advanceTimersByTimeAsync(5)
    void under.add('a', 'a', message(2))
    await vi.advanceTimersByTimeAsync(heldMs - 1)
    expect(sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toHaveLength(2)
    // After a pause nothing is held.
    await vi.advanceTimersByTimeAsync(10_000)
    void under.add('a', 'a', message(3))
    await vi.advanceTimersByTimeAsync(5)
    expect(sent).toHaveLength(3)
  },
)

it('holds nothing for a pause, another key, a full batch, a large message, a flush, or with maxBatchHoldMs 0', async () => {
  const { under, sent } = batcher({}, 30)
  void under.add('a', 'a', message(1))
  await vi.advanceTimersByTimeAsync(35)
  void under.add('a', 'a', message(2))
  void under.add('b', 'b', message(3))
  await vi.advanceTimersByTimeAsync(5)
  expect(sent.map(([, ids]) => ids)).toEqual([[1], [2], [3]])
  for (let id = 0; id < 10; id++) void under.add('a', 'a', message(4))
  expect(sent).toHaveLength(4)
  void under.add('a', 'a', message(5, 500))
  expect(sent).toHaveLength(5)
  void under.add('a', 'a', message(6))
  under.flush()
  expect(sent).toHaveLength(6)

  const unheld = batcher({ maxBatchHoldMs: 0 }, 30)
  for (const id of [1, 2]) {
    void unheld.under.add('a', 'a', message(id))
    await vi.advanceTimersByTimeAsync(5)
  }
  expect(unheld.sent).toHaveLength(2)
})

it('holds nothing for a flight that failed, and is no longer in the way of what came after it', async () => {
  const ends: PromiseWithResolvers<number>[] = []
  const under = new Batcher<string, number>(LIMITS, () => {
    const end = Promise.withResolvers<number>()
    ends.push(end)
    return { sent: Promise.resolve(0), landed: end.promise }
  })
  void under.add('a', 'a', message(1, 500))
  void under.add('a', 'a', message(2))
  await vi.advanceTimersByTimeAsync(5)
  expect(ends).toHaveLength(1)
  ends[0]?.reject(new TypeError('nobody has it'))
  await vi.advanceTimersByTimeAsync(0)
  expect(ends).toHaveLength(2)
  // Two in flight: the older one says nothing of the newer one.
  void under.add('a', 'a', message(3, 500))
  void under.add('a', 'a', message(4))
  await vi.advanceTimersByTimeAsync(5)
  ends[1]?.resolve(0)
  await vi.advanceTimersByTimeAsync(0)
  expect(ends).toHaveLength(3)
  ends[2]?.resolve(0)
  await vi.advanceTimersByTimeAsync(0)
  expect(ends).toHaveLength(4)
})

it.each([0, 50])('leaves no failed flight unhandled with maxBatchHoldMs %d', async (maxBatchHoldMs) => {
  const unhandled = vi.fn<() => void>()
  process.on('unhandledRejection', unhandled)
  try {
    const under = new Batcher<string, number>({ ...LIMITS, maxBatchHoldMs }, () => ({
      sent: Promise.resolve(0),
      landed: Promise.reject(new TypeError('nobody has it')),
    }))
    await under.add('a', 'a', message(1, 500))
    // Node tells of a rejection once the microtasks are through.
    await vi.advanceTimersByTimeAsync(0)
    expect(unhandled).not.toHaveBeenCalled()
  } finally {
    process.off('unhandledRejection', unhandled)
  }
})

it('leaves no timer of a hold that is over sooner than it could have been', async () => {
  const landed = Promise.withResolvers<void>()
  const sent: number[] = []
  const under = new Batcher<string, number>(LIMITS, (_, messages) => {
    sent.push(messages.length)
    return { sent: Promise.resolve(0), landed: landed.promise, paceMs: 40 }
  })
  void under.add('a', 'a', message(1, 500))
  void under.add('a', 'a', message(2))
  await vi.advanceTimersByTimeAsync(20)
  landed.resolve()
  await vi.advanceTimersByTimeAsync(20)
  expect(sent).toEqual([1, 1])
  expect(vi.getTimerCount()).toBe(0)
})

it('remembers the flights of maxPendingBatches keys, and forgets the one that left first', async () => {
  const { under, sent } = batcher({}, 10_000)
  for (const key of ['a', 'b', 'c', 'd']) void under.add(key, key, message(1, 500))
  for (const key of ['a', 'd']) void under.add(key, key, message(2))
  await vi.advanceTimersByTimeAsync(5)
  expect(sent.slice(4)).toEqual([['a', [2]]])
})

it('takes a message back whose caller aborts while its batch is held, and leaves no timer', async () => {
  const { under, sent } = batcher({}, 30)
  void under.add('a', 'a', message(1, 500))
  const abort = new AbortController()
  const left = under.add('a', 'a', message(2), abort.signal)
  await vi.advanceTimersByTimeAsync(10)
  abort.abort(new TypeError('changed my mind'))
  await expect(left).rejects.toThrow('changed my mind')
  await vi.advanceTimersByTimeAsync(20)
  expect(sent).toHaveLength(1)
  expect(vi.getTimerCount()).toBe(0)
})

it('keeps the order under every key, loses nothing and doubles nothing', async () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    bytes: fc.integer({ min: 2, max: 130 }),
    waitMs: fc.constantFrom(0, 0, 0, 2, 6, 40),
  })
  const flightsMs = fc.constantFrom(0, 3, 20, 10_000)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), flightsMs, async (steps, flightMs) => {
      const { under, sent } = batcher({}, flightMs)
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
      await vi.advanceTimersByTimeAsync(flightMs)
      expect(vi.getTimerCount()).toBe(0)
    }),
    { numRuns: 60 },
  )
})

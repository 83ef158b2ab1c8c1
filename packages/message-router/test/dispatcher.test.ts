import { LANES } from '@gridmesh/interfaces'
import type { Lane } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Dispatcher } from '../src/dispatcher.ts'
import type { DispatcherInit, Job } from '../src/dispatcher.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

class TestJob implements Job {
  readonly id: number
  readonly lane: Lane
  readonly sender = 'a'
  readonly bytes = 1
  readonly handler: () => unknown
  isGivenUp = false
  cancelled: Error | undefined

  constructor(id: number, lane: Lane, handler: () => unknown = () => {}) {
    this.id = id
    this.lane = lane
    this.handler = handler
  }

  run(): unknown {
    return this.handler()
  }

  isCancelled(): boolean {
    return this.isGivenUp
  }

  cancel(reason: Error): void {
    this.cancelled = reason
  }
}

const LIMITS: DispatcherInit = {
  maxQueued: { critical: 8, high: 8, normal: 8, bulk: 2 },
  maxQueuedBytes: 24,
  maxRunning: { critical: 2, high: 2, normal: 2, bulk: 1 },
  sliceMs: 8,
  handlerTimeoutMs: 1_000,
}

function dispatcher(init: Partial<DispatcherInit> = {}): { under: Dispatcher<TestJob>; log: string[] } {
  const log: string[] = []
  const under = new Dispatcher<TestJob>(
    { ...LIMITS, ...init },
    {
      onEnded: (job, _tookMs, { how }) => log.push(`${job.id} ${how}`),
      onDropped: (job, reason) => log.push(`${job.id} ${reason}`),
    },
  )
  return { under, log }
}

it('runs nothing before the event loop has turned', () => {
  const { under, log } = dispatcher()
  under.put(new TestJob(1, 'critical'))
  expect(log).toEqual([])
  vi.runAllTimers()
  expect(log).toEqual(['1 returned'])
})

it('runs the highest lane first, and each lane in order', () => {
  const { under, log } = dispatcher()
  const lanes: Lane[] = ['bulk', 'normal', 'high', 'normal', 'critical']
  for (const [id, lane] of lanes.entries()) under.put(new TestJob(id, lane))
  vi.runAllTimers()
  expect(log).toEqual(['4 returned', '2 returned', '1 returned', '3 returned', '0 returned'])
})

it('lets the event loop turn after sliceMs', () => {
  const { under, log } = dispatcher()
  const turns: string[] = []
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const slow = (): void => {
    now += 5
  }
  for (let id = 0; id < 4; id++) under.put(new TestJob(id, 'normal', slow))
  setImmediate(() => turns.push(log.join()))
  vi.runAllTimers()
  expect(turns).toEqual(['0 returned,1 returned'])
  expect(log).toHaveLength(4)
  vi.restoreAllMocks()
})

it('starts no handler from the end of another before the event loop has turned', async () => {
  const { under, log } = dispatcher()
  for (let id = 0; id < 6; id++) under.put(new TestJob(id, 'normal', async () => {}))
  vi.advanceTimersToNextTimer()
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  expect(log).toEqual(['0 returned', '1 returned'])
  await vi.runAllTimersAsync()
  expect(log).toHaveLength(6)
})

it('runs at most maxRunning handlers of a lane, while other lanes go on', async () => {
  const { under, log } = dispatcher()
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>())
  for (const [id, gate] of gates.entries()) under.put(new TestJob(id, 'critical', () => gate.promise))
  under.put(new TestJob(9, 'bulk'))
  await vi.advanceTimersByTimeAsync(1)
  expect(under.running).toBe(2)
  expect(under.queues.sizeOf('critical')).toBe(1)
  expect(log).toEqual(['9 returned'])

  gates[0]?.resolve()
  await vi.advanceTimersByTimeAsync(1)
  expect(under.running).toBe(2)
  expect(under.queues.size).toBe(0)
  under.stop()
})

it('counts a handler that throws or rejects, and goes on', async () => {
  const { under, log } = dispatcher()
  under.put(
    new TestJob(1, 'normal', () => {
      throw new TypeError('at once')
    }),
  )
  under.put(new TestJob(2, 'normal', () => Promise.reject(new TypeError('later'))))
  under.put(new TestJob(3, 'normal'))
  await vi.runAllTimersAsync()
  expect(log.toSorted()).toEqual(['1 threw', '2 threw', '3 returned'])
})

it('gives the place of a handler away after handlerTimeoutMs, and ignores its late end', async () => {
  const { under, log } = dispatcher({ maxRunning: { ...LIMITS.maxRunning, bulk: 1 } })
  const gate = Promise.withResolvers<void>()
  const hanging = new TestJob(1, 'bulk', () => gate.promise)
  under.put(hanging)
  under.put(new TestJob(2, 'bulk'))
  await vi.advanceTimersByTimeAsync(999)
  expect(log).toEqual([])
  await vi.advanceTimersByTimeAsync(10)
  expect(log).toEqual(['1 late', '2 returned'])
  expect(hanging.cancelled?.name).toBe('TimeoutError')

  gate.resolve()
  await vi.runAllTimersAsync()
  expect(log).toHaveLength(2)
  expect(vi.getTimerCount()).toBe(0)
})

it('drops a job whose caller has given up instead of running it', () => {
  const { under, log } = dispatcher()
  const job = new TestJob(1, 'normal')
  under.put(job)
  job.isGivenUp = true
  vi.runAllTimers()
  expect(log).toEqual(['1 cancelled'])
})

it('drops what waits and cancels what runs when stopped, and leaves no timer', async () => {
  const { under, log } = dispatcher()
  const running = new TestJob(1, 'bulk', () => new Promise(() => {}))
  under.put(running)
  await vi.advanceTimersByTimeAsync(1)
  under.put(new TestJob(2, 'bulk'))
  expect(under.stop()).toBe(2)
  expect(log).toEqual(['2 stopped', '1 stopped'])
  expect(running.cancelled?.name).toBe('AbortError')
  expect(vi.getTimerCount()).toBe(0)
})

it('is idle once nothing waits and nothing runs', async () => {
  const { under } = dispatcher()
  await under.whenIdle()
  const gate = Promise.withResolvers<void>()
  under.put(new TestJob(1, 'normal', () => gate.promise))
  let isIdle = false
  const waiting = under.whenIdle().then(() => (isIdle = true))
  await vi.advanceTimersByTimeAsync(5)
  expect(isIdle).toBe(false)
  gate.resolve()
  await waiting
  expect(isIdle).toBe(true)
  under.stop()
})

const command = fc.record({
  lane: fc.constantFrom(...LANES),
  handler: fc.constantFrom('sync' as const, 'throws' as const, 'async' as const, 'rejects' as const, 'hangs' as const),
  waitMs: fc.constantFrom(0, 0, 0, 1, 400),
})

it('starts no job while a higher one waits for a free place, and ends every job exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const { under, log } = dispatcher()
      const running: Record<Lane, number> = { critical: 0, high: 0, normal: 0, bulk: 0 }
      const start = (lane: Lane, handler: (typeof commands)[number]['handler']) => (): unknown => {
        for (const higher of LANES.slice(0, LANES.indexOf(lane))) {
          const couldRun = under.queues.sizeOf(higher) > 0 && running[higher] < LIMITS.maxRunning[higher]
          expect(couldRun).toBe(false)
        }
        if (handler === 'throws') throw new TypeError('thrown')
        if (handler === 'sync') return undefined
        running[lane]++
        const over = new Promise<void>((resolve, reject) => {
          const delayMs = handler === 'hangs' ? 1_000 : 10
          setTimeout(() => (handler === 'rejects' ? reject(new TypeError('rejected')) : resolve()), delayMs)
        })
        return over.finally(() => running[lane]--)
      }
      for (const [id, { lane, handler, waitMs }] of commands.entries()) {
        under.put(new TestJob(id, lane, start(lane, handler)))
        for (const each of LANES) expect(under.queues.sizeOf(each)).toBeLessThanOrEqual(LIMITS.maxQueued[each])
        expect(under.queues.bytes).toBeLessThanOrEqual(LIMITS.maxQueuedBytes)
        if (waitMs > 0) await vi.advanceTimersByTimeAsync(waitMs)
      }
      await vi.runAllTimersAsync()
      under.stop()
      expect(log.map((entry) => Number(entry.split(' ')[0])).toSorted((a, b) => a - b)).toEqual([...commands.keys()])
    }),
    { numRuns: 60 },
  )
})

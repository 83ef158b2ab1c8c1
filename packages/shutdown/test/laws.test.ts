import { SHUTDOWN_PHASES } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { GracefulShutdown, LeftoversError, ShutdownStartedError } from '../src/index.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const plan = fc.record({
  phase: fc.constantFrom(...SHUTDOWN_PHASES),
  takesMs: fc.oneof(fc.nat(50), fc.nat(5_000), fc.constant(1e6)),
  fails: fc.boolean(),
  deadlineMs: fc.integer({ min: 1, max: 20_000 }),
})

it('calls every step once, in the order of the phases, records each once, and ends in time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 10_000 }), fc.array(plan, { maxLength: 12 }), async (graceMs, plans) => {
      const ending = new GracefulShutdown({ graceMs })
      const called: number[] = []
      for (const [index, { phase, takesMs, fails, deadlineMs }] of plans.entries()) {
        const step = async (): Promise<void> => {
          called.push(index)
          await new Promise<void>((resolve, reject) => {
            setTimeout(() => (fails ? reject(new RangeError('failed')) : resolve()), takesMs)
          })
        }
        ending.register(phase, `${index}`, step, { deadlineMs })
      }
      const running = ending.run()
      await vi.advanceTimersByTimeAsync(graceMs + 50)
      const { steps, tookMs, clean } = await running
      vi.clearAllTimers()

      const inOrder = SHUTDOWN_PHASES.flatMap((phase) =>
        [...plans.keys()].filter((index) => plans[index]?.phase === phase),
      )
      expect(called).toEqual(inOrder)
      expect(steps.map(({ name }) => Number(name))).toEqual(inOrder)
      expect(tookMs).toBeLessThanOrEqual(graceMs + 2 * SHUTDOWN_PHASES.length)
      expect(clean).toBe(steps.every(({ outcome }) => outcome === 'done'))
      for (const { name, outcome, error } of steps) {
        const planned = plans[Number(name)]
        const inTime = planned?.fails ? 'failed' : 'done'
        const isLate = planned !== undefined && planned.takesMs > planned.deadlineMs
        expect(isLate ? ['abandoned'] : ['abandoned', inTime]).toContain(outcome)
        expect(error === undefined).toBe(outcome === 'done')
      }
    }),
    { numRuns: 150 },
  )
})

/** Starts what it takes to be done after `takesMs`. */
async function pass(takesMs: number, fails = false): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    setTimeout(() => (fails ? reject(new RangeError('failed')) : resolve()), takesMs)
  })
}

it('runs once, and gives every caller the same report, however often and whenever it is called', async () => {
  const calls = fc.array(fc.nat(300), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { maxLength: 6 }), calls, async (plans, callsMs) => {
      const ending = new GracefulShutdown({ graceMs: 500 })
      const runs = plans.map(() => 0)
      for (const [index, { phase, takesMs, fails, deadlineMs }] of plans.entries()) {
        const step = async (): Promise<void> => {
          runs[index] = (runs[index] ?? 0) + 1
          await pass(takesMs, fails)
        }
        ending.register(phase, `${index}`, step, { deadlineMs })
      }
      const reports = callsMs.map(async (atMs) => {
        await pass(atMs)
        return ending.run()
      })
      await vi.advanceTimersByTimeAsync(1_000)
      const [first, ...others] = await Promise.all(reports)
      vi.clearAllTimers()
      for (const report of others) expect(report).toBe(first)
      expect(await ending.run()).toBe(first)
      expect(runs).toEqual(plans.map(() => 1))
    }),
    { numRuns: 100 },
  )
})

it('begins no phase before all steps of the one before have ended or run out of time, and those of one at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 10 }), async (plans) => {
      const ending = new GracefulShutdown({ graceMs: 2_000_000, flushReserveMs: 1_000_000 })
      const begun = new Map<number, number>()
      const over = new Map<string, number>()
      for (const [index, { phase, takesMs, fails, deadlineMs }] of plans.entries()) {
        const step = async (): Promise<void> => {
          begun.set(index, performance.now())
          await pass(takesMs, fails)
        }
        ending.register(phase, `${index}`, step, { deadlineMs })
      }
      ending.addEventListener('shutdown:step', ({ detail }) => over.set(detail.name, performance.now()))
      const running = ending.run()
      await vi.advanceTimersByTimeAsync(200_000)
      await running
      vi.clearAllTimers()
      for (const [index, { phase }] of plans.entries()) {
        const mine = begun.get(index) ?? Number.NaN
        for (const [other, { phase: theirs }] of plans.entries()) {
          expect(phase !== theirs || begun.get(other) === mine).toBe(true)
          const isEarlier = SHUTDOWN_PHASES.indexOf(theirs) < SHUTDOWN_PHASES.indexOf(phase)
          expect(!isEarlier || (over.get(`${other}`) ?? Infinity) <= mine).toBe(true)
        }
      }
    }),
    { numRuns: 100 },
  )
})

it('aborts the signal of each step when its time is over, and of no step that was done by then', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 8 }), async (plans) => {
      const ending = new GracefulShutdown({ graceMs: 2_000_000, flushReserveMs: 1_000_000 })
      const aborted = new Set<string>()
      for (const [index, { phase, takesMs, fails, deadlineMs }] of plans.entries()) {
        const step = async (signal: AbortSignal): Promise<void> => {
          signal.addEventListener('abort', () => aborted.add(`${index}`))
          await pass(takesMs, fails)
        }
        ending.register(phase, `${index}`, step, { deadlineMs })
      }
      const running = ending.run()
      await vi.advanceTimersByTimeAsync(200_000)
      const { steps } = await running
      vi.clearAllTimers()
      const abandoned = steps.filter(({ outcome }) => outcome === 'abandoned').map(({ name }) => name)
      expect([...aborted].toSorted()).toEqual(abandoned.toSorted())
    }),
    { numRuns: 100 },
  )
})

it('takes a step for a phase that has not begun and for no other, at whatever time it comes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SHUTDOWN_PHASES), fc.constantFrom(...SHUTDOWN_PHASES), async (now, wanted) => {
      const ending = new GracefulShutdown({ graceMs: 1_000 })
      const late = vi.fn<() => void>()
      let isTaken: boolean | undefined
      ending.register(now, 'registers another', () => {
        try {
          ending.register(wanted, 'late', late)
          isTaken = true
        } catch (err) {
          isTaken = !(err instanceof ShutdownStartedError)
        }
      })
      await ending.run()
      const hasBegun = SHUTDOWN_PHASES.indexOf(wanted) <= SHUTDOWN_PHASES.indexOf(now)
      expect(isTaken).toBe(!hasBegun)
      expect(late).toHaveBeenCalledTimes(hasBegun ? 0 : 1)
      expect(vi.getTimerCount()).toBe(0)
    }),
  )
})

/** Each type as often as it is said. */
function listed(pairs: readonly (readonly [string, number])[]): string[] {
  return pairs.flatMap(([type, count]) => Array.from({ length: count }, () => type))
}

it('names whatever is left at the end, of any type and number, and nothing that was there before', async () => {
  const types = fc.constantFrom('Timeout', 'TCPServerWrap', 'TCPSocketWrap', 'FSReqCallback', 'PipeWrap')
  const counts = fc.array(fc.tuple(types, fc.integer({ min: 1, max: 3 })), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(counts, counts, async (before, opened) => {
      let resources = listed(before)
      const ending = new GracefulShutdown({ graceMs: 1_000 })
      ending.checkLeftovers({ resources: () => resources, settleMs: 1 })
      resources = [...resources, 'Timeout', ...listed(opened)]
      const running = ending.run()
      await vi.advanceTimersByTimeAsync(1_000)
      const { steps, clean } = await running
      const expected = new Map<string, number>()
      for (const [type, count] of opened) {
        // Standard output is not counted.
        if (type !== 'PipeWrap') expected.set(type, (expected.get(type) ?? 0) + count)
      }
      expect(clean).toBe(expected.size === 0)
      const error = steps[0]?.error
      const named = error instanceof LeftoversError ? error.leftovers : []
      expect(new Map(named.map(({ name, count }) => [name, count]))).toEqual(expected)
    }),
    { numRuns: 100 },
  )
})

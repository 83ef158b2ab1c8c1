import { SHUTDOWN_PHASES } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { GracefulShutdown } from '../src/index.ts'

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

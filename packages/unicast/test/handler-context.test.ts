import { afterEach, expect, it, vi } from 'vitest'
import { HandlerContext } from '../src/handler-context.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

it('waits for a whole ms more where the deadline is in the middle of one: a timer would drop the part, and be early', () => {
  vi.useFakeTimers()
  const set = vi.spyOn(globalThis, 'setTimeout')
  const context = new HandlerContext(undefined as never, 'normal', performance.now() + 46.25)
  expect(context.signal.aborted).toBe(false)
  expect(set.mock.calls[0]?.[1]).toBe(47)
  vi.advanceTimersByTime(47)
  expect(context.signal.reason).toMatchObject({ name: 'TimeoutError' })
})

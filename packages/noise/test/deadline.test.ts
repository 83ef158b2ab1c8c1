import { getEventListeners } from 'node:events'
import { AbortError } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { withDeadline } from '../src/deadline.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it.each([
  ['work', undefined],
  ['signal', 'AbortError'],
  ['deadline', 'TimeoutError'],
])('leaves no timer and no listener once it is over: by %s', async (end, name) => {
  const controller = new AbortController()
  const work = Promise.withResolvers<void>()
  const outcome = Promise.allSettled([withDeadline(1_000, controller.signal, () => work.promise)])
  if (end === 'work') work.resolve()
  if (end === 'signal') controller.abort(new AbortError())
  if (end === 'deadline') vi.advanceTimersByTime(1_000)
  expect((await outcome).map((each) => (each.status === 'rejected' ? each.reason.name : undefined))).toEqual([name])
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

import { getEventListeners } from 'node:events'
import { AbortError } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { within } from '../src/deadline.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it.each(['work', 'signal', 'deadline'])('leaves no timer and no listener once it is over: by %s', async (end) => {
  const controller = new AbortController()
  const work = Promise.withResolvers<void>()
  const outcome = Promise.allSettled([within(1_000, [undefined, controller.signal], () => work.promise)])
  if (end === 'work') work.resolve()
  if (end === 'signal') controller.abort(new AbortError('enough'))
  if (end === 'deadline') vi.advanceTimersByTime(1_000)
  const reason = { signal: 'enough', deadline: 'Nothing came within 1000 ms' }[end]
  expect((await outcome).map((each) => (each.status === 'rejected' ? each.reason.message : undefined))).toEqual([
    reason,
  ])
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

import { getEventListeners } from 'node:events'
import { AbortError } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { delay } from '../src/backoff.ts'
import { BusyError } from '../src/errors.ts'
import { withRetries } from '../src/retry.ts'
import { encodeName, TYPE } from '../src/wire.ts'
import { bytes } from './helpers.ts'

const LIMITS = { retries: 3, retryBaseMs: 100, retryMaxMs: 2_000 }
const stopped = new AbortController().signal

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('does not wait for as long as the peer asks where the deadline comes before', async () => {
  const question = {
    type: TYPE.request,
    name: 'test',
    nameBytes: encodeName('test'),
    payload: bytes(''),
    key: undefined,
    deadlineMs: 1_000,
    signal: undefined,
  }
  const busy = new BusyError('load', 0, 60_000)
  const ended = vi.fn<(err: unknown) => void>()
  void withRetries(question, LIMITS, stopped, () => Promise.reject(busy)).catch(ended)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(ended).toHaveBeenCalledExactlyOnceWith(busy)
  expect(vi.getTimerCount()).toBe(0)
})

it('leaves no listener and no timer of a delay, whether it passes or is aborted', async () => {
  const controllers = [new AbortController(), new AbortController()]
  const signals = controllers.map(({ signal }) => signal)
  const passed = delay(100, ...signals)
  await vi.advanceTimersByTimeAsync(100)
  await passed
  const aborted = delay(100, ...signals)
  controllers[1]?.abort(new AbortError('enough'))
  await expect(aborted).rejects.toThrow('enough')
  expect(signals.map((signal) => getEventListeners(signal, 'abort'))).toEqual([[], []])
  expect(vi.getTimerCount()).toBe(0)
})

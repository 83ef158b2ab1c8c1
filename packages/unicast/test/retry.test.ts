import { getEventListeners } from 'node:events'
import { MessageRefusedError } from '@gridmesh/chunking'
import { HandshakeRejectedError, QueueFullError, RateLimitedError } from '@gridmesh/interfaces'
import { AbortError, LimitedConnectionError, NotStartedError, TimeoutError } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { delay } from '../src/backoff.ts'
import { BusyError, LinkLostError, RemoteError, UnknownHandlerError, UnreachableError } from '../src/errors.ts'
import type { Question } from '../src/outbound-call.ts'
import { withRetries } from '../src/retry.ts'
import { encodeName, TYPE } from '../src/wire.ts'
import { bytes, text } from './helpers.ts'

const LIMITS = { retries: 3, retryBaseMs: 100, retryMaxMs: 2_000 }
const stopped = new AbortController().signal

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const question = {
  type: TYPE.request,
  name: 'test',
  nameBytes: encodeName('test'),
  payload: bytes(''),
  key: undefined,
  deadlineMs: 10_000,
  signal: undefined,
  renew: undefined,
}

const unreachable = (): Promise<never> => Promise.reject(new UnreachableError())

/** What ends a call from without. */
interface Ends {
  caller: AbortController
  node: AbortController
}

/** How an idempotent call ends whose attempts fail so, one after the other, and how many there were. */
async function failing(...errors: Error[]): Promise<{ ended: unknown; attempts: number }> {
  let attempts = 0
  const once = (): Promise<never> => Promise.reject(errors[attempts++])
  const ended = withRetries(question, LIMITS, stopped, once).catch((err: unknown) => err)
  await vi.runAllTimersAsync()
  return { ended: await ended, attempts }
}

it.each([
  ['no stream could be opened', new UnreachableError()],
  ['the handshake was refused', new HandshakeRejectedError({ code: 'busy', message: 'full' }, 'them')],
  ['all handlers were taken', new BusyError('maxHandlers', 1, 0)],
  ['the rate limiter refused', new RateLimitedError('messagesPerSecond', 1, 0)],
  ['our own queue was full', new QueueFullError('maxWaiting', 1, 'normal')],
  ['nobody handles it there', new UnknownHandlerError('test')],
  ['there was no room for the question', new MessageRefusedError('too-many-bytes', 'them', 1)],
  ['the peer was not ready', new RemoteError('not-ready', 'not yet')],
  ['the peer has too many of our streams', new RemoteError('too-many-streams', 'no more')],
])('ends as lost, since an attempt may have run, where %s afterwards', async (_, error) => {
  const first = await failing(error, error, error, error)
  expect(first.ended).toBe(error)
  const { ended } = await failing(new LinkLostError(), error, error, error)
  expect(ended).toMatchObject({ name: 'LinkLostError', cause: error })
})

it.each([
  ['what the handler says', new RemoteError('closed', 'the market is closed')],
  ['a deadline', new TimeoutError('too late')],
])('ends in %s as it is, after an attempt that may have run', async (_, error) => {
  expect(await failing(new LinkLostError(), error)).toEqual({ ended: error, attempts: 2 })
})

it('does not try again where there is but a relayed link: it carries no calls', async () => {
  const error = new UnreachableError({ cause: new LimitedConnectionError('relayed') })
  expect(await failing(error)).toEqual({ ended: error, attempts: 1 })
})

it.each([
  ['with new bytes where it did not run', new BusyError('load', 0, 1), ['first', 'second']],
  ['with the same where an attempt may have run', new LinkLostError(), ['first', 'first']],
])('asks again %s', async (_, error, expected) => {
  const asked: string[] = []
  const once = async ({ payload }: Question): Promise<void> => {
    asked.push(text(payload))
    if (asked.length === 1) throw error
  }
  const done = withRetries(
    { ...question, payload: bytes('first'), renew: async () => bytes('second') },
    LIMITS,
    stopped,
    once,
  )
  await vi.runAllTimersAsync()
  await done
  expect(asked).toEqual(expected)
})

it.each([
  ['the deadline has passed', 'TimeoutError', () => void vi.advanceTimersByTime(10_000)],
  ['the caller gave up', 'AbortError', ({ caller }: Ends) => caller.abort(new AbortError('enough'))],
  ['the node stopped', 'NotStartedError', ({ node }: Ends) => node.abort(new NotStartedError('over'))],
])('waits for new bytes no longer where %s', async (_, name, end) => {
  const ends = { caller: new AbortController(), node: new AbortController() }
  const { promise: hung } = Promise.withResolvers<never>()
  const renew = vi.fn<() => Promise<Uint8Array>>(() => hung)
  const asked = { ...question, renew, signal: ends.caller.signal }
  const ended = vi.fn<(err: unknown) => void>()
  void withRetries(asked, LIMITS, ends.node.signal, unreachable).catch(ended)
  await vi.waitFor(() => expect(renew).toHaveBeenCalledOnce())
  expect(ended).not.toHaveBeenCalled()
  end(ends)
  await vi.waitFor(() => expect(ended).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ name })))
  expect(vi.getTimerCount()).toBe(0)
})

it('does not wait for as long as the peer asks where the deadline comes before', async () => {
  const busy = new BusyError('load', 0, 60_000)
  const ended = vi.fn<(err: unknown) => void>()
  void withRetries(question, LIMITS, stopped, () => Promise.reject(busy)).catch(ended)
  await vi.advanceTimersByTimeAsync(10_000)
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

import type { UnicastOptions } from '@gridmesh/interfaces'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HandlerContext } from '../src/handler-context.ts'
import { UnaryJob } from '../src/unary-job.ts'
import { encodeCall, encodeName, TYPE } from '../src/wire.ts'
import type { UnicastInit } from '../src/index.ts'
import { bytes, collect, frames, heldBytes, items, pair, raw, text } from './helpers.ts'

const hang = (): Promise<never> => new Promise(() => undefined)
const nothing = async (): Promise<void> => undefined
const giveUp = async (controller: AbortController): Promise<void> => controller.abort()

/** Two nodes, whose far one echoes, or hangs, and how often it was asked to hang. */
async function hanging(init: UnicastInit) {
  const link = await pair({}, { init: { maxHandlers: 2, ...init } })
  const hung = vi.fn<() => Promise<never>>(hang)
  link.answer.handle('echo', (question) => question)
  link.answer.handle('hang', hung)
  link.answer.handleStream('hang-stream', async function* silent() {
    yield await hung()
  })
  return { ...link, hung }
}

describe('a handler that never ends', () => {
  let link: Awaited<ReturnType<typeof hanging>>

  async function connect(init: UnicastInit): Promise<void> {
    link = await hanging({ handlerGraceMs: 1, ...init })
  }

  afterEach(async () => link.stop())

  const request = (options: UnicastOptions): Promise<unknown> =>
    link.call.request(link.b.peerId, 'hang', bytes('held'), options)
  const repeated = (options: UnicastOptions): Promise<unknown> => request({ ...options, idempotent: true })
  const stream = (options: UnicastOptions): Promise<unknown> =>
    collect(link.call.requestStream(link.b.peerId, 'hang-stream', items(), options))
  const hangUp = async (): Promise<void> => link.a.hangUp(link.b.peerId)

  it.each([
    ['its deadline', { maxDeadlineMs: 20 }, request, nothing],
    ['its deadline, where it may be asked again', { maxDeadlineMs: 20 }, repeated, nothing],
    ['its caller gave up', {}, request, giveUp],
    ['its link was lost', {}, request, hangUp],
    ['the caller of a stream gave up', {}, stream, giveUp],
    ['the link of a stream was lost', {}, stream, hangUp],
  ])('gives its slot and its bytes back after %s', async (_, init, ask, end) => {
    await connect(init)
    const controller = new AbortController()
    const options = { signal: controller.signal }
    const asked = Promise.allSettled([ask(options), ask(options)])
    await vi.waitFor(() => expect(link.hung).toHaveBeenCalledTimes(2))
    await end(controller)
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await link.a.dial(link.b.getMultiaddrs())
    expect(text(await link.call.request(link.b.peerId, 'echo', bytes('hi')))).toBe('hi')
    await vi.waitFor(() => expect(heldBytes(link.b)).toBe(0))
  })

  it('does not answer a repeat with what came too late, but with the limit', async () => {
    await connect({})
    const { promise, resolve } = Promise.withResolvers<Uint8Array>()
    link.answer.handle('late', () => promise)
    const call = encodeCall(TYPE.request, 0, 20, new Uint8Array(16), encodeName('late'), bytes(''))
    const answers: string[] = []
    for (const expected of [1, 2]) {
      const asking = await raw(link.a, link.b)
      asking.addEventListener('message', ({ data }) => answers.push(text(data.subarray())))
      asking.send(frames()(call))
      await vi.waitFor(() => expect(answers).toHaveLength(expected))
      resolve(bytes('too late'))
      asking.abort(new RangeError('done'))
    }
    expect(answers.map((answer) => /handler-timeout.*handlerGraceMs/s.test(answer))).toEqual([true, true])
  })
})

it('is let go of when the node stops, whatever it does: the slot is free when it starts again', async () => {
  const link = await hanging({})
  const asked = Promise.allSettled([
    link.call.request(link.b.peerId, 'hang', bytes('held')),
    collect(link.call.requestStream(link.b.peerId, 'hang-stream', items())),
  ])
  await vi.waitFor(() => expect(link.hung).toHaveBeenCalledTimes(2))
  await link.b.stop()
  await asked
  expect(heldBytes(link.b)).toBe(0)
  await link.b.start()
  await link.a.dial(link.b.getMultiaddrs())
  expect(text(await link.call.request(link.b.peerId, 'echo', bytes('hi')))).toBe('hi')
  await link.stop()
})

describe('a call', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const GRACE_MS = 1_000
  const call = { id: 1, key: undefined, isOneWay: false, receiptDelayMs: 0, graceMs: GRACE_MS }

  function start(deadlineMs: number) {
    const onDone = vi.fn<() => void>()
    const context = new HandlerContext(undefined as never, 'normal', performance.now() + deadlineMs)
    const job = new UnaryJob({ onDone }, hang, context, call, bytes(''))
    job.start()
    return { job, context, onDone }
  }

  it('is over after its deadline and the grace, no earlier, and leaves no timer', () => {
    const { onDone, context } = start(500)
    vi.advanceTimersByTime(500 + GRACE_MS - 1)
    expect(onDone).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(onDone).toHaveBeenCalledOnce()
    expect(context.signal.aborted).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that nobody waits for is over after the grace', () => {
    const { job, onDone } = start(300_000)
    job.abandon(new RangeError('the caller gave up'))
    vi.advanceTimersByTime(GRACE_MS)
    expect(onDone).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('of the longest deadline there is does not end at once', () => {
    const { onDone } = start(2 ** 31 - 1)
    vi.advanceTimersByTime(1_000_000)
    expect(onDone).not.toHaveBeenCalled()
  })
})

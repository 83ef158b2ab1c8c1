import {
  HandshakeRejectedError,
  type Handshake,
  type Hello,
  type RateLimiter,
  type UnicastHandler,
} from '@gridmesh/interfaces'
import { type Connection, NotStartedError } from '@libp2p/interface'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { encodeCall, encodeName, encodePayload, TYPE } from '../src/wire.ts'
import { bytes, collect, frames, gate, heldBytes, hex, items, node, pair, raw, text } from './helpers.ts'

const stops: (() => Promise<void>)[] = []
const stopping = <T extends { stop: () => Promise<void> | void }>(link: T): T => {
  stops.push(async () => link.stop())
  return link
}

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

const streamsOf = (link: Awaited<ReturnType<typeof pair>>) =>
  link.a.getConnections().flatMap(({ streams }) => streams.filter(({ protocol }) => protocol.startsWith('/gridmesh')))

describe('a lost link', () => {
  it('fails all calls at once when the peer disconnects, and dials again for the next', async () => {
    const link = stopping(await pair())
    const { promise, resolve } = gate()
    link.answer.handle('test', () => promise)
    const calls = [
      link.call.request(link.b.peerId, 'test', bytes('')),
      link.call.send(link.b.peerId, 'test', bytes(''), { lane: 'critical' }),
      collect(link.call.requestStream(link.b.peerId, 'test', items())),
    ]
    const results = Promise.allSettled(calls)
    await vi.waitFor(() => expect(streamsOf(link).length).toBe(2))
    await link.a.hangUp(link.b.peerId)
    const names = (await results).map((result) => (result.status === 'rejected' ? result.reason.name : 'answered'))
    expect(names.slice(0, 2)).toEqual(['LinkLostError', 'LinkLostError'])
    resolve()
    await link.a.peerStore.merge(link.b.peerId, { multiaddrs: link.b.getMultiaddrs() })
    expect(await link.call.request(link.b.peerId, 'test', bytes(''))).toEqual(bytes(''))
  })

  it('opens a new stream after the old one was reset, without a call being lost', async () => {
    const link = stopping(await pair())
    link.answer.handle('test', (question) => question)
    await link.call.request(link.b.peerId, 'test', bytes('one'))
    for (let i = 0; i < 5; i++) {
      streamsOf(link)[0]?.abort(new RangeError('reset'))
      expect(text(await link.call.request(link.b.peerId, 'test', bytes('two')))).toBe('two')
      expect(streamsOf(link).length).toBe(1)
    }
  })

  it('rejects with an UnreachableError that says why when no stream can be opened', async () => {
    const link = stopping(await pair())
    const stranger = stopping(await node())
    const call = link.call.request(stranger.peerId, 'test', bytes(''))
    await expect(call).rejects.toMatchObject({
      name: 'UnreachableError',
      code: 'unreachable',
      message: expect.stringMatching(/^No stream to the peer could be opened: .+/),
      cause: expect.any(Error),
    })
  })

  it('fails the calls that wait, at once, when the peer ends every stream before it took one', async () => {
    const link = stopping(await pair())
    const protocol = '/gridmesh/unicast/1/normal'
    await link.b.unhandle(protocol)
    let streams = 0
    await link.b.handle(protocol, (stream) => {
      streams += 1
      stream.abort(new RangeError('no'))
    })
    const calls = Array.from({ length: 5 }, () => link.call.send(link.b.peerId, 'test', bytes('')))
    const names = (await Promise.allSettled(calls)).map((result) => result.status === 'rejected' && result.reason.name)
    expect(names.every((name) => name === 'UnreachableError' || name === 'LinkLostError')).toBe(true)
    expect(streams).toBeLessThanOrEqual(2)
  })

  it('fails every call within its deadline when the peer goes silent', async () => {
    const link = stopping(await pair())
    link.answer.handle('test', () => new Promise(() => undefined))
    const calls = Array.from({ length: 100 }, (_, i) =>
      link.call.request(link.b.peerId, 'test', bytes(''), { deadlineMs: 50 + (i % 5), lane: 'high' }),
    )
    const names = (await Promise.allSettled(calls)).map((result) => result.status === 'rejected' && result.reason.name)
    expect(new Set(names)).toEqual(new Set(['TimeoutError']))
  })
})

describe('retries', () => {
  it('repeats an idempotent call over lost links, and the handler runs once', async () => {
    const link = stopping(await pair({ init: { retryBaseMs: 1 } }))
    let runs = 0
    const [first, repeated] = [gate(), gate()]
    link.answer.handle('test', async (question) => {
      runs += 1
      if (runs === 1) first.resolve()
      await repeated.promise
      return question
    })
    const call = link.call.request(link.b.peerId, 'test', bytes('once'), { idempotent: true })
    await first.promise
    const [lost] = streamsOf(link)
    lost?.abort(new RangeError('reset'))
    // The call goes out again, over another stream, while the handler still runs.
    await vi.waitFor(() => expect(streamsOf(link).some((stream) => stream !== lost)).toBe(true))
    repeated.resolve()
    expect(text(await call)).toBe('once')
    expect(runs).toBe(1)
  })

  it('gives the error of a handler that ran to the repeated call too, and does not run it again', async () => {
    const link = stopping(await pair({ init: { retryBaseMs: 1 } }))
    let runs = 0
    link.answer.handle('test', () => {
      runs += 1
      throw Object.assign(new RangeError('later'), { code: 'busy' })
    })
    const call = link.call.send(link.b.peerId, 'test', bytes(''), { idempotent: true })
    await expect(call).rejects.toMatchObject({ name: 'BusyError' })
    expect(runs).toBe(1)
  })

  it('answers a repeat that waits, where its caller asks nothing more on that stream', async () => {
    const link = stopping(await pair())
    const [started, done] = [gate(), gate()]
    link.answer.handle('echo', (question) => question)
    link.answer.handle('test', async (question) => {
      started.resolve()
      await done.promise
      return question
    })
    const call = encodeCall(TYPE.request, 0, 10_000, new Uint8Array(16), encodeName('test'), bytes('hi'))
    const [first, second] = [await raw(link.a, link.b), await raw(link.a, link.b)]
    first.send(frames()(call))
    await started.promise
    const answers: Uint8Array[] = []
    second.addEventListener('message', ({ data }) => answers.push(data.subarray()))
    second.send(frames()(call))
    await second.close()
    // What comes after it on the same link is answered: so the far side has seen the end.
    await link.call.request(link.b.peerId, 'echo', bytes(''))
    done.resolve()
    const answer = frames()(encodePayload(TYPE.response, 0, bytes('hi')))
    await vi.waitFor(() => expect(answers.map(hex)).toEqual([hex(answer)]))
    expect(second.status).not.toBe('reset')
    first.abort(new RangeError('done'))
  })

  it('runs a handler again that said when, since it did nothing, and gives its answer', async () => {
    const link = stopping(await pair({ init: { retryBaseMs: 1 } }))
    let runs = 0
    link.answer.handle('test', (question) => {
      runs += 1
      if (runs < 3)
        throw Object.assign(new RangeError('shed'), { code: 'busy', limit: 'load', value: 0, retryAfterMs: 1 })
      return question
    })
    const ask = (idempotent: boolean) => link.call.request(link.b.peerId, 'test', bytes('hi'), { idempotent })
    await expect(ask(false)).rejects.toMatchObject({ name: 'BusyError', limit: 'load', value: 0, retryAfterMs: 1 })
    expect(text(await ask(true))).toBe('hi')
    expect(runs).toBe(3)
  })

  it('repeats no call that is not idempotent', async () => {
    const link = stopping(await pair())
    let runs = 0
    link.answer.handle('test', async () => {
      runs += 1
      for (const stream of streamsOf(link)) stream.abort(new RangeError('reset'))
    })
    await expect(link.call.send(link.b.peerId, 'test', bytes(''))).rejects.toMatchObject({ name: 'LinkLostError' })
    expect(runs).toBe(1)
  })

  it('repeats an idempotent call that found all handlers taken, as often as `retries` says', async () => {
    const take = vi.fn<RateLimiter['take']>(() => ({ ok: true }))
    const asked = (): number => take.mock.calls.filter(([, , cost]) => cost?.messages != null).length
    const link = stopping(
      await pair(
        { init: { retryBaseMs: 1, retries: 2 } },
        { init: { maxHandlers: 1, maxQueued: 0, busyRetryAfterMs: 1 }, stubs: { rateLimiter: { take } } },
      ),
    )
    const { promise, resolve } = gate()
    link.answer.handle('test', () => promise)
    const send = (idempotent: boolean) => link.call.send(link.b.peerId, 'test', bytes(''), { idempotent })
    const first = send(false)
    await vi.waitFor(() => expect(asked()).toBe(1))
    await expect(send(false)).rejects.toMatchObject({ name: 'BusyError' })
    expect(asked()).toBe(2)
    await expect(send(true)).rejects.toMatchObject({ name: 'BusyError' })
    expect(asked()).toBe(5)
    const second = send(true)
    await vi.waitFor(() => expect(asked()).toBe(6), { interval: 1 })
    resolve()
    expect((await first).attempts).toBe(1)
    expect((await second).attempts).toBeGreaterThan(1)
  })
})

describe('siblings', () => {
  it('waits with calls until the handshake is done', async () => {
    const { promise, resolve } = gate()
    let isReady = false
    const handshake = { isReady: () => isReady, whenReady: () => promise }
    const link = stopping(await pair({ stubs: { handshake } }))
    link.answer.handle('test', (question) => question)
    const call = link.call.request(link.b.peerId, 'test', bytes('hi'))
    expect(streamsOf(link)).toEqual([])
    isReady = true
    resolve()
    expect(text(await call)).toBe('hi')
  })

  it('rejects calls with the reason when the handshake is refused', async () => {
    const refusal = new HandshakeRejectedError({ code: 'wrong-chain', message: 'another chain' }, 'them')
    const handshake = { isReady: () => false, whenReady: () => Promise.reject(refusal) }
    const link = stopping(await pair({ stubs: { handshake } }))
    await expect(link.call.send(link.b.peerId, 'test', bytes(''))).rejects.toMatchObject({ code: 'wrong-chain' })
  })

  it('takes no stream from a peer that is not ready in time', async () => {
    const whenReady = vi.fn<Handshake['whenReady']>((_, { signal } = {}) => {
      const { promise, reject } = Promise.withResolvers<Hello>()
      signal?.addEventListener('abort', () => reject(signal.reason))
      return promise
    })
    const handshake = { isReady: () => false, whenReady }
    const link = stopping(await pair({}, { init: { openTimeoutMs: 30 }, stubs: { handshake } }))
    const handler = vi.fn<UnicastHandler>()
    link.answer.handle('test', handler)
    await expect(link.call.send(link.b.peerId, 'test', bytes(''))).rejects.toMatchObject({
      name: 'RemoteError',
      code: 'not-ready',
      limit: 'openTimeoutMs',
      value: 30,
    })
    expect(whenReady).toHaveBeenCalledTimes(1)
    expect(handler).not.toHaveBeenCalled()
  })

  it('takes no stream from a peer that is not ready in time, though the handshake heeds no signal', async () => {
    const handshake = { isReady: () => false, whenReady: () => new Promise<Hello>(() => {}) }
    const link = stopping(await pair({}, { init: { openTimeoutMs: 30 }, stubs: { handshake } }))
    const sent = link.call.send(link.b.peerId, 'test', bytes(''), { deadlineMs: 5_000 })
    await expect(sent).rejects.toMatchObject({ name: 'RemoteError', code: 'not-ready', limit: 'openTimeoutMs' })
  })

  it.each([
    [
      'the code of a refusal, of any copy of its class',
      Object.assign(new Error('no'), {
        name: 'HandshakeRejectedError',
        reason: { code: 'busy', limit: 'a', value: 3 },
      }),
      { message: 'The peer has not finished its handshake: busy', limit: 'a', value: 3 },
    ],
    [
      'what failed, and no deadline that has not passed',
      new RangeError('out of tickets'),
      { message: 'The peer has not finished its handshake: out of tickets', limit: undefined },
    ],
  ])('tells a peer whose stream is not taken %s', async (_, fault, told) => {
    const handshake = { isReady: () => false, whenReady: () => Promise.reject(fault) }
    const link = stopping(await pair({}, { stubs: { handshake } }))
    const sent = link.call.send(link.b.peerId, 'test', bytes(''))
    await expect(sent).rejects.toMatchObject({ name: 'RemoteError', code: 'not-ready', ...told })
  })

  it('serves what came before the peer was ready', async () => {
    const { promise, resolve } = gate()
    const handshake = { isReady: () => false, whenReady: () => promise }
    const link = stopping(await pair({}, { stubs: { handshake } }))
    link.answer.handle('test', (question) => question)
    const call = link.call.request(link.b.peerId, 'test', bytes('early'))
    await vi.waitFor(() => expect(streamsOf(link).length).toBe(1))
    resolve()
    expect(text(await call)).toBe('early')
  })

  it('takes connections from the connection pool', async () => {
    const acquire = vi.fn<() => Promise<Connection | undefined>>()
    const pooled = stopping(await pair({ stubs: { connectionPool: { acquire } } }))
    acquire.mockImplementation(async () => pooled.a.getConnections()[0])
    pooled.answer.handle('test', (question) => question)
    expect(text(await pooled.call.request(pooled.b.peerId, 'test', bytes('hi')))).toBe('hi')
    expect(acquire).toHaveBeenCalledTimes(1)
  })

  it('asks the rate limiter before it sends, and waits for it', async () => {
    const { promise, resolve } = gate()
    const whenAllowed = vi.fn<RateLimiter['whenAllowed']>(() => promise)
    const rateLimiter = { whenAllowed, take: () => ({ ok: true }) }
    const link = stopping(await pair({ stubs: { rateLimiter } }))
    const handler = vi.fn<UnicastHandler>((question) => question)
    link.answer.handle('test', handler)
    const call = link.call.request(link.b.peerId, 'test', bytes('hi'))
    await vi.waitFor(() => expect(whenAllowed).toHaveBeenCalledTimes(1))
    expect(whenAllowed.mock.calls[0]).toMatchObject([
      link.b.peerId,
      { messages: 1, bytes: 2 },
      { signal: expect.anything() },
    ])
    expect(handler).not.toHaveBeenCalled()
    resolve()
    expect(text(await call)).toBe('hi')
  })
})

describe('stop', () => {
  it('fails all calls, keeps no timer, stream, listener or protocol, and works again after start', async () => {
    const link = stopping(await pair())
    link.answer.handle('test', () => new Promise(() => undefined))
    const removed = vi.spyOn(globalThis, 'clearInterval')
    const call = link.call.request(link.b.peerId, 'test', bytes(''))
    const failed = call.catch((err: Error) => err.name)
    await vi.waitFor(() => expect(streamsOf(link).length).toBe(1))
    await link.b.stop()
    expect(await failed).toBe('LinkLostError')
    await expect(link.answer.send(link.a.peerId, 'test', bytes(''))).rejects.toMatchObject({ name: 'NotStartedError' })
    expect(removed).toHaveBeenCalled()
    expect(link.b.getProtocols().filter((protocol) => protocol.startsWith('/gridmesh'))).toEqual([])
    await link.b.start()
    link.answer.unhandle('test')
    link.answer.handle('test', (question) => question)
    await link.a.dial(link.b.getMultiaddrs())
    expect(text(await link.call.request(link.b.peerId, 'test', bytes('again')))).toBe('again')
  })

  it('fails a call with a TimeoutError that waited for a handler longer than the far side lets it', async () => {
    const maxDeadlineMs = 20
    const link = stopping(await pair({}, { init: { maxHandlersPerPeer: 1, maxDeadlineMs } }))
    const { promise, resolve } = gate()
    const asked: string[] = []
    link.answer.handle('test', async (question) => {
      asked.push(text(question))
      await promise
    })
    const calls = ['first', 'second'].map((name) => link.call.send(link.b.peerId, 'test', bytes(name)))
    const settled = Promise.allSettled(calls)
    await vi.waitFor(() => expect(heldBytes(link.b)).toBe('firstsecond'.length))
    const arrivedMs = performance.now()
    await vi.waitUntil(() => performance.now() > arrivedMs + maxDeadlineMs)
    resolve()
    const reason = { name: 'TimeoutError', message: 'The deadline passed while the call waited for a handler' }
    expect(await settled).toMatchObject([{ status: 'fulfilled' }, { reason }])
    expect(asked).toEqual(['first'])
  })

  it.each([
    ['of a link that is still there', false],
    ['that outlived its link', true],
  ])('aborts an idempotent call, and starts none that waits: %s', async (_, isLinkLost) => {
    const link = stopping(await pair({}, { init: { maxHandlersPerPeer: 1 } }))
    const signals: AbortSignal[] = []
    link.answer.handle('test', async (_question, { signal }) => {
      signals.push(signal)
      const { promise, resolve } = gate()
      signal.addEventListener('abort', () => resolve())
      await promise
    })
    const ask = (): Promise<unknown> => link.call.send(link.b.peerId, 'test', bytes('1'), { idempotent: true })
    const failed = [ask(), ask()].map((call) => call.catch((err: Error) => err.name))
    await vi.waitFor(() => expect(heldBytes(link.b)).toBe(2))
    if (isLinkLost) {
      await link.a.stop()
      await vi.waitUntil(() => link.b.getConnections().length === 0)
    }
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    await link.b.stop()
    expect(signals.map(({ reason }) => reason)).toEqual([expect.objectContaining({ name: 'NotStartedError' })])
    await vi.waitFor(() => expect(heldBytes(link.b)).toBe(0))
    expect(signals).toHaveLength(1)
    await link.a.stop()
    await Promise.all(failed)
  })

  it('ends an idempotent call that waits to be made again, and leaves no timer of it', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const caller = stopping(await node({ retryBaseMs: 60_000, retryMaxMs: 60_000 }))
    const stranger = stopping(await node())
    const set = vi.spyOn(globalThis, 'setTimeout')
    const cleared = vi.spyOn(globalThis, 'clearTimeout')
    const options = { idempotent: true, deadlineMs: 300_000 }
    const call = caller.services.unicast.send(stranger.peerId, 'test', bytes('1'), options)
    const failed = call.catch((err: Error) => err.name)
    const backoff = (): number => set.mock.calls.findIndex(([, ms]) => ms === 60_000)
    await vi.waitUntil(() => backoff() >= 0)
    await caller.stop()
    expect(await failed).toBe('NotStartedError')
    expect(cleared).toHaveBeenCalledWith(set.mock.results[backoff()]?.value)
    expect(heldBytes(caller)).toBe(0)
  })

  it('of the connection pool is not taken for a peer out of reach', async () => {
    const acquire = vi.fn<() => Promise<never>>().mockRejectedValue(new NotStartedError('the pool stopped'))
    const link = stopping(await pair({ stubs: { connectionPool: { acquire } } }))
    const call = link.call.send(link.b.peerId, 'test', bytes(''), { idempotent: true })
    await expect(call).rejects.toMatchObject({ name: 'NotStartedError' })
  })

  it('fails calls that wait for a stream when the node itself stops', async () => {
    const handshake = {
      isReady: () => false,
      whenReady: (_: unknown, { signal }: { signal: AbortSignal }) => {
        const { promise, reject } = Promise.withResolvers<void>()
        signal.addEventListener('abort', () => reject(signal.reason))
        return promise
      },
    }
    const link = stopping(await pair({ stubs: { handshake } }))
    const call = link.call.send(link.b.peerId, 'test', bytes(''))
    const failed = call.catch((err: Error) => err.name)
    await link.a.stop()
    expect(await failed).toBe('NotStartedError')
  })
})

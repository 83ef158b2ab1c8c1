import { FrameChannel } from '@gridmesh/chunking'
import { QueueFullError, type RateLimiter } from '@gridmesh/interfaces'
import type { Stream } from '@libp2p/interface'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RemoteError } from '../src/errors.ts'
import { encodeCall, encodeCredit, encodeName, encodePayload, encodeSignal, TYPE } from '../src/wire.ts'
import { flooder } from './flooder.ts'
import { bytes, collect, frames, gate, node, pair, peerManagerStub, raw as rawStream, text, unhex } from './helpers.ts'

const PROTOCOL = '/gridmesh/unicast/1/high'
const KIB = 1_024
const peers = peerManagerStub()
const take = vi.fn<RateLimiter['take']>(() => ({ ok: true }))
const uncaught: unknown[] = []
const onUncaught = (err: unknown): void => void uncaught.push(err)
let link: Awaited<ReturnType<typeof pair>>

beforeAll(async () => {
  process.on('uncaughtException', onUncaught)
  link = await pair(
    {},
    {
      init: { maxMessageBytes: 200 * KIB, maxHeldBytesPerPeer: 300 * KIB, maxUnreadBytes: 500 * KIB, streamIdleMs: 40 },
      stubs: { peerManager: peers, rateLimiter: { take } },
    },
  )
  link.answer.handle('echo', (question) => question)
})

beforeEach(() => {
  peers.reports.length = 0
  uncaught.length = 0
})

afterEach(() => {
  link.answer.unhandle('test')
  take.mockReset()
  take.mockReturnValue({ ok: true })
})

afterAll(async () => {
  await link.stop()
  process.off('uncaughtException', onUncaught)
})

const raw = (): Promise<Stream> => rawStream(link.a, link.b)

const request = (id: number, name = 'echo', payload = bytes('')) =>
  encodeCall(TYPE.request, id, 10_000, undefined, encodeName(name), payload)

describe('garbage', () => {
  const cases: [string, () => Uint8Array][] = [
    ['bytes that are no frames', () => unhex('ff'.repeat(100))],
    ['a frame that is no message', () => frames()(unhex('00'))],
    ['an answer on a stream for questions', () => frames()(encodePayload(TYPE.response, 0, bytes('')))],
    ['two calls with one number', () => frames()(request(1, 'test'), request(1, 'test'))],
    [
      'an item of a call that is not streamed',
      () => frames()(request(1, 'test'), encodePayload(TYPE.data, 1, bytes(''))),
    ],
    [
      'more items than there is credit for',
      () => {
        const open = encodeCall(TYPE.open, 1, 0, undefined, encodeName('stream'), bytes(''))
        return frames()(open, ...Array.from({ length: 5_000 }, () => encodePayload(TYPE.data, 1, bytes(''))))
      },
    ],
  ]

  it.each(cases)('costs the stream it came on, is reported, and hurts no other: %s', async (_, make) => {
    const { promise, resolve } = gate()
    link.answer.handle('test', () => promise)
    link.answer.handleStream('stream', async function* stall() {
      await promise
      yield bytes('')
    })
    const stream = await raw()
    const closed = new Promise((done) => stream.addEventListener('close', done, { once: true }))
    stream.send(make())
    await closed
    resolve()
    link.answer.unhandle('stream')
    await vi.waitFor(() => expect(peers.reports).toMatchObject([{ class: 'protocol-violation' }]))
    expect(text(await link.call.request(link.b.peerId, 'echo', bytes('honest')))).toBe('honest')
  })

  it.each([
    ['an answer to a question that was not asked', encodePayload(TYPE.response, 99, bytes('lie'))],
    [
      'an error of more words than may cross the wire',
      Uint8Array.from([TYPE.error, 0, 0, 0, 0, 0, ...bytes('x'.repeat(60_000))]),
    ],
  ])('costs an answering peer its stream: %s', async (_, lie) => {
    const caller = await node({}, { peerManager: peers })
    const liar = await node()
    await liar.unhandle(PROTOCOL)
    await liar.handle(PROTOCOL, (stream) => {
      stream.send(frames()(lie))
    })
    await caller.dial(liar.getMultiaddrs())
    const call = caller.services.unicast.request(liar.peerId, 'echo', bytes(''), { lane: 'high' })
    await expect(call).rejects.toMatchObject({ name: 'LinkLostError', cause: { name: 'MalformedMessageError' } })
    expect(peers.reports).toMatchObject([{ class: 'protocol-violation' }])
    await caller.stop()
    await liar.stop()
  })

  it('ends with its stream a call whose number was that of one given up before', async () => {
    const slow = gate()
    const ended = gate()
    link.answer.handle('test', () => slow.promise)
    link.answer.handleStream('again', async function* wait(_source, { signal }) {
      signal.addEventListener('abort', () => ended.resolve())
      await ended.promise
      yield bytes('')
    })
    const stream = await raw()
    const answers: unknown[] = []
    stream.addEventListener('message', (event) => answers.push(event.data))
    const encode = frames()
    const again = encodeCall(TYPE.open, 1, 0, undefined, encodeName('again'), bytes(''))
    stream.send(encode(request(1, 'test'), encodeSignal(TYPE.cancel, 1), again, request(2)))
    await vi.waitFor(() => expect(answers.length).toBe(1))
    // The handler that was given up ends only now.
    slow.resolve()
    await slow.promise
    stream.send(encode(request(3)))
    await vi.waitFor(() => expect(answers.length).toBe(2))
    stream.abort(new RangeError('done'))
    await ended.promise
    link.answer.unhandle('again')
  })

  it('passes over late signals of calls that are done', async () => {
    const stream = await raw()
    const late = [encodeSignal(TYPE.cancel, 1), encodeSignal(TYPE.end, 7), encodePayload(TYPE.data, 1, bytes('late'))]
    const answers: unknown[] = []
    stream.addEventListener('message', (event) => answers.push(event.data))
    stream.send(frames()(request(1), ...late, request(2)))
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(0))
    expect(stream.status).toBe('open')
    expect(peers.reports).toEqual([])
    stream.abort(new RangeError('done'))
  })
})

/** A source after whose first item the rate limit is reached. */
async function* overTheLimit(): AsyncGenerator<Uint8Array> {
  yield bytes('one')
  take.mockReturnValue({ ok: false, limit: 'bytesPerSecond', value: 5, retryAfterMs: 12 })
  yield bytes('two')
}

/** One item of which only one fits what is held for a peer. */
async function* largeItem(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(190 * KIB)
}

describe('too much', () => {
  it('refuses a flood of 10,000 streams while honest calls go on', async () => {
    const { node: attacker, flood } = await flooder()
    await attacker.dial(link.b.getMultiaddrs())
    const streams = (): Stream[] => link.b.getConnections(attacker.peerId).flatMap((connection) => connection.streams)
    const honest = Array.from({ length: 50 }, (_, i) => link.call.request(link.b.peerId, 'echo', bytes(`honest ${i}`)))
    flood(PROTOCOL, 10_000)
    honest.push(link.call.request(link.b.peerId, 'echo', bytes('honest 50')))
    expect((await Promise.all(honest)).map(text)).toEqual(Array.from({ length: 51 }, (_, i) => `honest ${i}`))
    await vi.waitFor(() => expect(streams().map(({ protocol }) => protocol)).toEqual([PROTOCOL, PROTOCOL]), 10_000)
    // Those that the muxer let in were charged, kept or not.
    expect(take.mock.calls.filter(([, , cost]) => cost?.streams != null).length).toBeGreaterThan(2)
    await attacker.stop()
  }, 15_000)

  it('rejects a call over the rate limit with that limit, and leaves the report to the limiter', async () => {
    await link.call.request(link.b.peerId, 'echo', bytes(''))
    take.mockReturnValue({ ok: false, limit: 'messagesPerSecond', value: 100, retryAfterMs: 12 })
    await expect(link.call.request(link.b.peerId, 'echo', bytes('hi'))).rejects.toMatchObject({
      name: 'RateLimitedError',
      code: 'rate-limited',
      limit: 'messagesPerSecond',
      value: 100,
      retryAfterMs: 12,
    })
    expect(take.mock.lastCall?.slice(1)).toEqual([
      '/gridmesh/unicast/1/normal',
      { messages: 1, bytes: expect.any(Number) },
      'normal',
    ])
    expect(peers.reports).toEqual([])
  })

  it('takes no stream over the rate limit', async () => {
    take.mockReturnValue({ ok: false, limit: 'streamsPerSecond', value: 20, retryAfterMs: 12 })
    const stream = await raw()
    await vi.waitFor(() => expect(stream.status).toBe('reset'), 4_000)
    expect(take.mock.lastCall?.slice(1)).toEqual([PROTOCOL, { streams: 1 }, 'high'])
    expect(peers.reports).toEqual([])
    // Who asks by it learns why.
    const asking = link.call.request(link.b.peerId, 'echo', bytes(''), { lane: 'bulk' })
    await expect(asking).rejects.toMatchObject({
      name: 'RateLimitedError',
      limit: 'streamsPerSecond',
      value: 20,
      retryAfterMs: 12,
    })
  })

  it('ends a streamed call whose items are over the rate limit', async () => {
    link.answer.handleStream('test', async function* echo(items) {
      yield* items
    })
    const drain = async (): Promise<void> => {
      for await (const answer of link.call.requestStream(link.b.peerId, 'test', overTheLimit())) void answer
    }
    await expect(drain()).rejects.toMatchObject({ name: 'RateLimitedError', limit: 'bytesPerSecond' })
  })

  it('reports a peer whose messages are too large once a second, and not for each', async () => {
    const calls = Array.from({ length: 5 }, () => link.call.request(link.b.peerId, 'echo', new Uint8Array(300 * KIB)))
    const results = await Promise.allSettled(calls)
    expect(results.map((result) => result.status === 'rejected' && result.reason.code)).toEqual(
      Array.from({ length: 5 }, () => 'message-too-large'),
    )
    expect(peers.reports).toMatchObject([
      { class: 'rate-limited', evidence: expect.stringContaining('maxMessageBytes') },
    ])
  })

  it('rejects calls beyond the bytes held for one peer', async () => {
    const { promise, resolve } = gate()
    link.answer.handle('test', () => promise)
    const large = new Uint8Array(140 * KIB)
    const ask = (): Promise<Uint8Array> => link.call.request(link.b.peerId, 'test', large)
    const taken = [ask(), ask()]
    await vi.waitFor(() => expect(peers.traffic.length).toBeGreaterThan(1))
    await expect(ask()).rejects.toMatchObject({ name: 'BusyError', limit: 'maxHeldBytesPerPeer', value: 300 * KIB })
    resolve()
    await Promise.all(taken)
    await link.call.request(link.b.peerId, 'test', large)
  })

  it('ends streamed calls whose items that were not taken are over the bytes held for one peer', async () => {
    const { promise, resolve } = gate()
    link.answer.handleStream('test', async function* stall(items) {
      await promise
      yield* items
    })
    const ends: string[] = []
    const calls = Array.from({ length: 4 }, async () => {
      const answers = collect(link.call.requestStream(link.b.peerId, 'test', largeItem()))
      ends.push(await answers.then(() => 'answered').catch((err: RemoteError) => err.code))
    })
    await vi.waitFor(() => expect(ends).toEqual(['queue-full', 'queue-full', 'queue-full']))
    resolve()
    await Promise.all(calls)
    expect(ends[3]).toBe('answered')
  })

  it('reads no further questions of a caller that does not read its answers', async () => {
    let runs = 0
    link.answer.handle('test', () => {
      runs += 1
      return new Uint8Array(100 * KIB)
    })
    const stream = await raw()
    stream.pause()
    const encode = frames()
    stream.send(encode(...Array.from({ length: 1_000 }, (_, i) => request(i, 'test'))))
    await vi.waitFor(() => expect(runs).toBeGreaterThan(5))
    await link.call.request(link.b.peerId, 'echo', bytes('honest'))
    // What the window takes, and 500 KiB more.
    expect(runs).toBeLessThan(20)
    stream.abort(new RangeError('done'))
  })

  it('ends with its stream what it holds of a caller that closes one in good order and reads no answer', async () => {
    let runs = 0
    link.answer.handle('test', () => {
      runs += 1
      return new Uint8Array(200 * KIB)
    })
    const questions = Array.from({ length: 20 }, (_, i) => request(i, 'test'))
    // As many as are kept in a lane, each on a connection of its own, beside one that stays.
    for (const round of [1, 2]) {
      const connection = await link.a.dial(link.b.getMultiaddrs(), { force: true })
      const stream = await connection.newStream(PROTOCOL, { maxOutboundStreams: 100 })
      stream.pause()
      stream.send(frames()(...questions))
      await vi.waitUntil(() => runs > (round - 1) * questions.length)
      await connection.close()
      await vi.waitUntil(() => runs === round * questions.length)
    }
    const answer = await link.call.request(link.b.peerId, 'echo', bytes('honest'), { lane: 'high' })
    expect(text(answer)).toBe('honest')
  })

  it('does not hold a handler for a caller that neither sends nor takes anything', async () => {
    const aborted = gate()
    link.answer.handleStream('test', async function* wait(source, { signal }) {
      signal.addEventListener('abort', () => aborted.resolve())
      yield* source
    })
    const stream = await raw()
    stream.send(frames()(encodeCall(TYPE.open, 1, 0, undefined, encodeName('test'), bytes(''))))
    await aborted.promise
    expect(stream.status).toBe('open')
    stream.abort(new RangeError('done'))
  })

  it('does not hold a handler for a caller that grants credit and takes nothing, however large the items are', async () => {
    const ended = gate()
    link.answer.handleStream('test', async function* flow() {
      try {
        for (;;) yield new Uint8Array(100 * KIB)
      } finally {
        ended.resolve()
      }
    })
    const stream = await raw()
    stream.pause()
    const open = encodeCall(TYPE.open, 1, 0, undefined, encodeName('test'), bytes(''))
    stream.send(frames()(open, encodeCredit(1, 1e9)))
    await ended.promise
    expect(stream.status).toBe('open')
    stream.abort(new RangeError('done'))
  })
})

it('ends a call that is given up, and throws nothing, where the queue has no room to tell that nobody waits', async () => {
  const started = gate()
  link.answer.handle('test', async () => {
    started.resolve()
    return new Promise<never>(() => undefined)
  })
  const controller = new AbortController()
  const calling = link.call.request(link.b.peerId, 'test', bytes(''), { signal: controller.signal })
  await started.promise
  const enqueue = vi.spyOn(FrameChannel.prototype, 'enqueue').mockImplementation(() => {
    throw new QueueFullError('maxQueuedBytes', 1, 'normal')
  })
  controller.abort()
  await expect(calling).rejects.toMatchObject({ name: 'AbortError' })
  await new Promise((done) => setImmediate(done))
  expect([enqueue.mock.calls.length, uncaught]).toEqual([1, []])
  enqueue.mockRestore()
  expect(text(await link.call.request(link.b.peerId, 'echo', bytes('on')))).toBe('on')
})

it('survives streams that are reset in the middle of a drain', async () => {
  link.answer.handle('test', () => new Uint8Array(190 * KIB))
  for (let round = 0; round < 10; round++) {
    const calls = Array.from({ length: 20 }, () => link.call.request(link.b.peerId, 'test', new Uint8Array(100 * KIB)))
    const results = Promise.allSettled(calls)
    const ours = (): Stream[] =>
      [link.a, link.b]
        .flatMap((each) => each.getConnections())
        .flatMap(({ streams }) => streams)
        .filter(({ protocol }) => protocol === '/gridmesh/unicast/1/normal')
    await vi.waitFor(() => expect(ours().length).toBe(2), { interval: 1 })
    for (const stream of ours()) {
      stream.addEventListener('drain', () => stream.abort(new RangeError('reset in drain')), { once: true })
    }
    const known = new Set(['LinkLostError', 'BusyError', 'MessageRefusedError'])
    for (const result of await results) {
      expect(result.status === 'fulfilled' || known.has(result.reason.name)).toBe(true)
    }
  }
  expect(uncaught).toEqual([])
})

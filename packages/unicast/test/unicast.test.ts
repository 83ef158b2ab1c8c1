import { TimeoutError } from '@libp2p/interface'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { bytes, collect, gate, items, pair, peerManagerStub, text } from './helpers.ts'

const nearPeers = peerManagerStub()
const farPeers = peerManagerStub()
let link: Awaited<ReturnType<typeof pair>>

beforeAll(async () => {
  link = await pair(
    { init: { maxInFlight: 4, maxWaiting: 4 }, stubs: { peerManager: nearPeers } },
    {
      init: { maxHandlersPerPeer: 2, maxQueuedPerPeer: 1, busyRetryAfterMs: 77, maxMessageBytes: 200_000 },
      stubs: { peerManager: farPeers },
    },
  )
})

afterEach(() => {
  link.answer.unhandle('test')
  nearPeers.reports.length = 0
  farPeers.reports.length = 0
})

afterAll(async () => link.stop())

describe('calls', () => {
  it('resolves a request with the answer of the handler, and tells the handler who asks', async () => {
    const seen: unknown[] = []
    link.answer.handle('test', (question, { peer, lane, signal }) => {
      seen.push(peer.toString(), lane, signal.aborted)
      return bytes(text(question).toUpperCase())
    })
    const answer = await link.call.request(link.b.peerId, 'test', bytes('hello'), { lane: 'high' })
    expect(text(answer)).toBe('HELLO')
    expect(seen).toEqual([link.a.peerId.toString(), 'high', false])
  })

  it('resolves a message with a receipt once the handler is done with it, and not before', async () => {
    const { promise, resolve } = gate()
    const events: string[] = []
    link.answer.handle('test', async (message) => {
      events.push('began')
      await promise
      events.push(text(message))
      return bytes('an answer to a one-way message goes nowhere')
    })
    const sent = link.call.send(link.b.peerId, 'test', bytes('take this')).then((receipt) => {
      events.push('receipt')
      return receipt
    })
    await vi.waitFor(() => expect(events).toEqual(['began']))
    resolve()
    expect(await sent).toMatchObject({ attempts: 1, roundTripMs: expect.any(Number) })
    expect(events).toEqual(['began', 'take this', 'receipt'])
  })

  it('answers with nothing where the handler returns nothing', async () => {
    link.answer.handle('test', () => undefined)
    expect(await link.call.request(link.b.peerId, 'test', bytes(''))).toEqual(bytes(''))
  })

  it('works in both directions at once', async () => {
    link.answer.handle('test', () => bytes('far'))
    link.call.handle('test', () => bytes('near'))
    const answers = await Promise.all([
      link.call.request(link.b.peerId, 'test', bytes('')),
      link.answer.request(link.a.peerId, 'test', bytes('')),
    ])
    link.call.unhandle('test')
    expect(answers.map(text)).toEqual(['far', 'near'])
  })

  it('keeps one stream for each lane, whatever the number of calls', async () => {
    link.answer.handle('test', (question) => question)
    for (let i = 0; i < 20; i++) {
      await link.call.request(link.b.peerId, 'test', bytes('a'), { lane: 'bulk' })
      await link.call.request(link.b.peerId, 'test', bytes('a'), { lane: 'critical' })
    }
    const protocols = link.a.getConnections().flatMap(({ streams }) => streams.map(({ protocol }) => protocol))
    expect(protocols.filter((protocol) => protocol === '/gridmesh/unicast/1/bulk').length).toBe(1)
    expect(protocols.filter((protocol) => protocol === '/gridmesh/unicast/1/critical').length).toBe(1)
  })

  it('counts the messages of each lane and direction', async () => {
    link.answer.handle('test', (question) => question)
    nearPeers.traffic.length = 0
    farPeers.traffic.length = 0
    await link.call.request(link.b.peerId, 'test', bytes('a'), { lane: 'high' })
    expect([nearPeers.traffic, farPeers.traffic]).toEqual([
      ['high out', 'high in'],
      ['high in', 'high out'],
    ])
  })

  it('refuses a second handler of one name, of either sort, and a name that does not fit', () => {
    link.answer.handle('test', () => undefined)
    expect(() => link.answer.handle('test', () => undefined)).toThrow(RangeError)
    expect(() => link.answer.handleStream('test', (source) => source)).toThrow(RangeError)
    expect(() => link.answer.handle('', () => undefined)).toThrow(RangeError)
    expect(() => link.answer.handle('x'.repeat(256), () => undefined)).toThrow('256')
  })
})

describe('errors', () => {
  it.each([
    ['a code of its own', Object.assign(new TypeError('no such block'), { code: 'absent' }), 'absent', 'no such block'],
    ['no code', new TypeError('oops'), 'handler-failed', 'oops'],
    ['a code that is no text', Object.assign(new TypeError('oops'), { code: 42 }), 'handler-failed', 'oops'],
    ['no error at all', 'a string', 'handler-failed', ''],
  ])('rejects with a RemoteError when the handler throws %s', async (_, thrown, code, message) => {
    link.answer.handle('test', async () => {
      throw thrown
    })
    await expect(link.call.request(link.b.peerId, 'test', bytes(''))).rejects.toMatchObject({
      name: 'RemoteError',
      code,
      message,
      stack: expect.not.stringContaining('stream-job'),
    })
  })

  it('rejects when a handler throws before it waits, or returns what is not bytes', async () => {
    link.answer.handle('test', (question) => {
      if (question.byteLength > 0) throw new TypeError('at once')
      return JSON.parse('"text"')
    })
    await expect(link.call.request(link.b.peerId, 'test', bytes('x'))).rejects.toMatchObject({ message: 'at once' })
    await expect(link.call.request(link.b.peerId, 'test', bytes(''))).rejects.toMatchObject({ code: 'handler-failed' })
  })

  it('rejects with an UnknownHandlerError for a name, or a sort, that has no handler', async () => {
    const unknown = { name: 'UnknownHandlerError', code: 'unknown-handler', handler: 'test' }
    await expect(link.call.request(link.b.peerId, 'test', bytes(''))).rejects.toMatchObject(unknown)
    link.answer.handle('test', () => undefined)
    await expect(collect(link.call.requestStream(link.b.peerId, 'test', items()))).rejects.toMatchObject(unknown)
  })

  it('rejects with a BusyError while all handlers are taken, and takes critical calls all the same', async () => {
    const { promise, resolve } = gate()
    link.answer.handle('test', () => promise)
    const ask = (lane: 'bulk' | 'critical'): Promise<Uint8Array> =>
      link.call.request(link.b.peerId, 'test', bytes(''), { lane })
    const taken = [ask('bulk'), ask('bulk'), ask('bulk')]
    await expect(ask('bulk')).rejects.toMatchObject({
      name: 'BusyError',
      limit: 'maxQueuedPerPeer',
      value: 1,
      retryAfterMs: 77,
    })
    const critical = ask('critical')
    resolve()
    expect(await Promise.all([...taken, critical])).toHaveLength(4)
  })

  it('rejects a question and an answer that are too large, and other calls go on', async () => {
    link.answer.handle('test', (question) => new Uint8Array(question.byteLength * 2))
    await expect(link.call.request(link.b.peerId, 'test', new Uint8Array(150_000))).rejects.toMatchObject({
      name: 'RemoteError',
      code: 'message-too-large',
    })
    const large = link.call.request(link.b.peerId, 'test', new Uint8Array(300_000))
    await expect(large).rejects.toMatchObject({ name: 'MessageRefusedError', code: 'message-too-large' })
    const huge = link.call.request(link.b.peerId, 'test', new Uint8Array(11_000_000))
    await expect(huge).rejects.toMatchObject({ name: 'MessageTooLargeError' })
    expect((await link.call.request(link.b.peerId, 'test', bytes('ab'))).byteLength).toBe(4)
  })

  it('sends a payload of maxMessageBytes and not a byte more, and names that limit: questions, answers and items', async () => {
    // The answerer takes 200,000, so it is the one that asks here.
    const [asker, { peerId }] = [link.answer, link.a]
    const refusal = { code: 'message-too-large', limit: 'maxMessageBytes', value: 200_000 }
    const echoed = (size: number) => collect(asker.requestStream(peerId, 'items', items(new Uint8Array(size))))
    link.call.handle('length', (question) => bytes(String(question.byteLength)))
    link.call.handleStream('items', async function* (all) {
      for await (const item of all) yield item
    })
    expect(await asker.request(peerId, 'length', new Uint8Array(200_000))).toEqual(bytes('200000'))
    await expect(asker.request(peerId, 'length', new Uint8Array(200_001))).rejects.toMatchObject(refusal)
    expect((await echoed(200_000))[0]?.byteLength).toBe(200_000)
    await expect(echoed(200_001)).rejects.toMatchObject(refusal)

    link.answer.handle('answer', (question) => new Uint8Array(200_000 + question.byteLength))
    expect((await link.call.request(link.b.peerId, 'answer', new Uint8Array())).byteLength).toBe(200_000)
    const tooLong = link.call.request(link.b.peerId, 'answer', bytes('a'))
    await expect(tooLong).rejects.toMatchObject({ ...refusal, name: 'RemoteError' })
  })
})

describe('giving up', () => {
  it('rejects at the deadline, tells the handler, and reports a slow peer', async () => {
    const aborted = gate()
    const { promise, resolve } = gate()
    link.answer.handle('test', async (_, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve())
      await promise
    })
    const call = link.call.request(link.b.peerId, 'test', bytes(''), { deadlineMs: 30 })
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' })
    await aborted.promise
    resolve()
    expect(nearPeers.reports).toMatchObject([{ class: 'slow' }])
  })

  it('rejects when the signal aborts, and tells the handler', async () => {
    const controller = new AbortController()
    const aborted = gate()
    link.answer.handle('test', async (_, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve())
      controller.abort()
      await aborted.promise
    })
    const call = link.call.request(link.b.peerId, 'test', bytes(''), { signal: controller.signal })
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    await aborted.promise
    await expect(
      link.call.request(link.b.peerId, 'test', bytes(''), { signal: controller.signal }),
    ).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('makes further calls wait while maxInFlight are under way, and refuses beyond maxWaiting', async () => {
    const { promise, resolve } = gate()
    link.answer.handle('test', () => promise)
    const calls = Array.from({ length: 9 }, () =>
      link.call.request(link.b.peerId, 'test', bytes(''), { lane: 'critical' }),
    )
    const settled = Promise.allSettled(calls.slice(0, 8))
    await expect(calls[8]).rejects.toMatchObject({
      name: 'QueueFullError',
      limit: 'maxWaiting',
      value: 4,
      lane: 'critical',
    })
    resolve()
    const results = await settled
    // Of the far side's room too: 2 run and 1 waits.
    const names = results.map((result) => (result.status === 'fulfilled' ? 'answered' : result.reason.name))
    expect(new Set(names)).toEqual(new Set(['answered', 'BusyError']))
  })

  it.each([0, -1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY])('rejects a deadline of %d ms', async (deadlineMs) => {
    await expect(link.call.send(link.b.peerId, 'test', bytes(''), { deadlineMs })).rejects.toThrow(String(deadlineMs))
  })
})

/** A source that fails after its first item. */
async function* failing(): AsyncGenerator<Uint8Array> {
  yield bytes('one')
  throw new RangeError('dry')
}

describe('streamed calls', () => {
  it('streams both ways at once', async () => {
    link.answer.handleStream('test', async function* shout(source) {
      for await (const item of source) yield bytes(text(item).toUpperCase())
      yield bytes('.')
    })
    const answers = await collect(link.call.requestStream(link.b.peerId, 'test', items(bytes('a'), bytes('b'))))
    expect(answers.map(text)).toEqual(['A', 'B', '.'])
  })

  it('keeps the order of items of any size', async () => {
    link.answer.handleStream('test', async function* echo(source) {
      yield* source
    })
    const sizes = [1, 150_000, 2, 70_000, 0, 65_000, 3, 4_096, 5, 199_000]
    const list = sizes.map((size, i) => new Uint8Array(size).fill(i))
    expect(await collect(link.call.requestStream(link.b.peerId, 'test', items(...list)))).toEqual(list)
  })

  it('holds the handler back while the caller takes nothing', async () => {
    let made = 0
    let taken = 0
    let most = 0
    link.answer.handleStream('test', async function* count() {
      for (; made < 100; made++) {
        most = Math.max(most, made - taken)
        yield new Uint8Array(50_000)
      }
    })
    for await (const _ of link.call.requestStream(link.b.peerId, 'test', items())) {
      // The handler gets as far as it can before the next is taken.
      const ahead = Math.min(5, 99 - taken)
      await vi.waitFor(() => expect(made - taken).toBeGreaterThanOrEqual(ahead), { interval: 1 })
      taken += 1
    }
    expect(taken).toBe(100)
    // 262,144 bytes of credit are six items, and each end has one in hand.
    expect(most).toBeLessThanOrEqual(8)
  })

  it('holds the caller back while the handler takes nothing', async () => {
    let made = 0
    let taken = 0
    let most = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; made < 50; made++) {
        most = Math.max(most, made - taken)
        yield new Uint8Array(50_000)
      }
    }
    link.answer.handleStream('test', async function* total(incoming) {
      await vi.waitFor(() => expect(made).toBeGreaterThanOrEqual(5))
      for await (const _ of incoming) taken += 1
      yield bytes(String(taken))
    })
    const answers = await collect(link.call.requestStream(link.b.peerId, 'test', source()))
    expect(answers.map(text)).toEqual(['50'])
    expect(most).toBeLessThanOrEqual(8)
  })

  it('ends the handler when the caller takes no more', async () => {
    const ended = gate()
    link.answer.handleStream('test', async function* forever(_, { signal }) {
      signal.addEventListener('abort', () => ended.resolve())
      for (;;) yield bytes('more')
    })
    for await (const answer of link.call.requestStream(link.b.peerId, 'test', items())) {
      expect(text(answer)).toBe('more')
      break
    }
    await ended.promise
  })

  it('delivers what came before the handler failed, then its error', async () => {
    link.answer.handleStream('test', async function* fail() {
      yield bytes('one')
      throw Object.assign(new TypeError('two'), { code: 'failed-at-two' })
    })
    const seen: string[] = []
    const take = async (): Promise<void> => {
      for await (const answer of link.call.requestStream(link.b.peerId, 'test', items())) seen.push(text(answer))
    }
    await expect(take()).rejects.toMatchObject({ name: 'RemoteError', code: 'failed-at-two', message: 'two' })
    expect(seen).toEqual(['one'])
  })

  it('fails with the error of its own source, and ends the handler', async () => {
    const ended = gate()
    link.answer.handleStream('test', async function* drain(source, { signal }) {
      signal.addEventListener('abort', () => ended.resolve())
      yield* await collect(source)
    })
    await expect(collect(link.call.requestStream(link.b.peerId, 'test', failing()))).rejects.toThrow('dry')
    await ended.promise
  })

  it('stops the source once the handler is done', async () => {
    const returned = gate()
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(50_000)
      } finally {
        returned.resolve()
      }
    }
    link.answer.handleStream('test', async function* first(incoming) {
      for await (const item of incoming) {
        yield item
        return
      }
    })
    expect((await collect(link.call.requestStream(link.b.peerId, 'test', source()))).length).toBe(1)
    await returned.promise
  })

  it.each([
    ['the handler is done', true],
    ['the caller takes no more', false],
  ])('lets go of a source that is silent once %s', async (_, isDone) => {
    const returned = gate()
    let made = 0
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: (): Promise<IteratorResult<Uint8Array>> =>
          made++ === 0 ? Promise.resolve({ value: bytes('one'), done: false }) : new Promise(() => undefined),
        return: async (): Promise<IteratorResult<Uint8Array>> => {
          returned.resolve()
          return { value: undefined, done: true }
        },
      }),
    }
    link.answer.handleStream('test', async function* first(incoming) {
      for await (const item of incoming) {
        yield item
        if (isDone) return
      }
    })
    for await (const _item of link.call.requestStream(link.b.peerId, 'test', source)) if (!isDone) break
    await returned.promise
    expect(made).toBe(2)
  })

  it('fails with a TimeoutError after deadlineMs of silence', async () => {
    link.answer.handleStream('test', async function* silent(_, { signal }) {
      yield bytes('one')
      await new Promise((done) => signal.addEventListener('abort', done))
    })
    const answers = collect(link.call.requestStream(link.b.peerId, 'test', items(), { deadlineMs: 40 }))
    await expect(answers).rejects.toBeInstanceOf(TimeoutError)
  })
})

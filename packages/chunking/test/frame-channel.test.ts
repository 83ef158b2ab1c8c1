import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ByteBudget } from '../src/byte-budget.ts'
import { ChannelClosedError } from '../src/errors.ts'
import { FrameChannel } from '../src/frame-channel.ts'
import { SendQueue } from '../src/send-queue.ts'
import type { FrameChannelInit } from '../src/index.ts'
import { firstFrame, flat, pattern, text, unhex } from './helpers.ts'
import { nodes } from './nodes.ts'

const KIB = 1_024
let near: Stream
let far: Stream
let link: Awaited<ReturnType<typeof nodes>>
const uncaught: unknown[] = []
const onUncaught = (err: unknown): void => void uncaught.push(err)

beforeAll(async () => {
  process.on('uncaughtException', onUncaught)
  link = await nodes()
})

beforeEach(async () => {
  ;({ near, far } = await link.open())
})

afterEach(() => {
  vi.useRealTimers()
  near.abort(new RangeError('the test is over'))
})

afterAll(async () => {
  await link.stop()
  process.off('uncaughtException', onUncaught)
})

/** A started channel, and everything it told. */
function open(stream: Stream, init: Partial<FrameChannelInit> = {}) {
  const messages: Uint8Array[] = []
  const lost: Error[] = []
  const closed: (Error | undefined)[] = []
  const ends: number[] = []
  const channel = new FrameChannel(stream, {
    onMessage: (bytes) => messages.push(flat(bytes).slice()),
    onMessageLost: (error) => lost.push(error),
    onClose: (error) => closed.push(error),
    onEnd: () => ends.push(messages.length),
    ...init,
  })
  channel.start()
  return { channel, messages, lost, closed, ends }
}

it.each(['maxReadBufferBytes', 'maxPartialBytes', 'maxQueuedBytes'])(
  'refuses a %s that is no number above 0',
  (name) => {
    const before = near.maxReadBufferLength
    for (const value of [Number.NaN, 0, -1]) {
      expect(() => open(near, { [name]: value })).toThrow(`${name} ${value} is outside 1 to `)
    }
    // Of NaN the stream would make no bound at all.
    expect(near.maxReadBufferLength).toBe(before)
  },
)

describe('messages', () => {
  it('carries messages both ways', async () => {
    const a = open(near)
    const b = open(far)
    await a.channel.send(new TextEncoder().encode('ping'))
    await vi.waitFor(() => expect(b.messages.map(text)).toEqual(['ping']))
    await b.channel.send(new TextEncoder().encode('pong'), { lane: 'critical' })
    await vi.waitFor(() => expect(a.messages.map(text)).toEqual(['pong']))
  })

  it.each([
    [1, 1],
    [31, 1],
    [32, 1],
    [33, 2],
    [100, 4],
  ])('writes %i messages of a tick in %i goes, the first 32 as soon as they are there', async (count, writes) => {
    const a = open(near)
    const b = open(far)
    const send = vi.spyOn(near, 'send')
    const messages = Array.from({ length: count }, (_, i) => pattern(128, i))
    for (const message of messages) a.channel.enqueue(message)
    expect(send).toHaveBeenCalledTimes(Math.floor(count / 32))
    await vi.waitFor(() => expect(b.messages).toEqual(messages))
    expect(send).toHaveBeenCalledTimes(writes)
  })

  it('tells of a stream that is lost in the middle of a tick once, after it', async () => {
    const a = open(near)
    const lost = new RangeError('lost')
    vi.spyOn(near, 'send').mockImplementation(() => {
      throw lost
    })
    for (let i = 0; i < 100; i++) a.channel.enqueue(pattern(128, i))
    expect(a.closed).toEqual([])
    await vi.waitFor(() => expect(a.closed).toEqual([lost]))
    expect(() => a.channel.enqueue(pattern(1))).toThrow(ChannelClosedError)
  })

  it('delivers what was sent before the peer began to read', async () => {
    const a = open(near)
    await a.channel.send(pattern(1_000))
    const b = open(far)
    await vi.waitFor(() => expect(b.messages).toEqual([pattern(1_000)]))
  })

  it('delivers everything queued before close, and then the end', async () => {
    const a = open(near)
    const b = open(far)
    for (let i = 0; i < 50; i++) a.channel.enqueue(pattern(20 * KIB, i))
    await a.channel.close()
    await vi.waitFor(() => expect(b.ends).toEqual([50]))
    expect(() => a.channel.enqueue(pattern(1))).toThrow(expect.objectContaining({ name: 'ChannelClosedError' }))
    await b.channel.close()
    await vi.waitFor(() => expect([a.closed, b.closed]).toEqual([[undefined], [undefined]]))
  })
})

describe('backpressure', () => {
  it('stops the sender while the consumer is behind, and loses nothing', async () => {
    const a = open(near, { maxQueuedBytes: 64 * KIB * KIB })
    const b = open(far)
    b.channel.pause()
    for (let i = 0; i < 100; i++) a.channel.enqueue(pattern(64 * KIB, i))
    await vi.waitFor(() => expect(near.writableNeedsDrain).toBe(true))
    expect(b.messages).toEqual([])
    expect(a.channel.queuedBytes).toBeGreaterThan(1_000 * KIB)
    // One write beyond what the stream takes, and no more however long it lasts.
    expect(near.writeBufferLength).toBeLessThan(130_000)
    b.channel.resume()
    await vi.waitFor(() => expect(b.messages.length).toBe(100))
    expect(a.channel.queuedBytes).toBe(0)
  })

  it('delivers one message for each resume when the consumer pauses at each', async () => {
    const a = open(near)
    const sizes: number[] = []
    const b = open(far, {
      onMessage: (bytes) => {
        sizes.push(bytes.byteLength)
        b.channel.pause()
      },
    })
    for (let i = 1; i <= 300; i++) a.channel.enqueue(pattern(10 * KIB + i))
    for (let i = 1; i <= 300; i++) {
      await vi.waitFor(() => expect(sizes.length).toBe(i), { interval: 1 })
      expect(far.readBufferLength).toBeLessThan(17 * KIB * KIB)
      b.channel.resume()
    }
    expect(sizes).toEqual(Array.from({ length: 300 }, (_, i) => 10 * KIB + i + 1))
    expect(b.closed).toEqual([])
  })

  it('goes on when the consumer resumes within a message', async () => {
    const a = open(near)
    let count = 0
    const b = open(far, {
      onMessage: () => {
        count += 1
        b.channel.pause()
        b.channel.resume()
      },
    })
    for (let i = 0; i < 50; i++) a.channel.enqueue(pattern(100))
    await vi.waitFor(() => expect(count).toBe(50))
  })

  it('keeps what came before the end for a consumer that is behind', async () => {
    const a = open(near)
    const b = open(far)
    b.channel.pause()
    for (let i = 0; i < 5; i++) a.channel.enqueue(pattern(100, i))
    await a.channel.close()
    await b.channel.close()
    await vi.waitFor(() => expect(far.status).toBe('closed'))
    expect(b.messages).toEqual([])
    b.channel.resume()
    await vi.waitFor(() => expect(b.closed).toEqual([undefined]))
    expect(b.messages.length).toBe(5)
  })

  it('goes on, with nothing left to send, where a consumer that waits for its drain sees the stream closed', async () => {
    const other = await nodes()
    const pair = await other.open()
    const b = open(pair.far, {
      onDrain: () => b.channel.resume(),
      onMessage: (bytes) => {
        b.messages.push(flat(bytes).slice())
        if (!b.channel.isOpen) return
        b.channel.enqueue(pattern(1_000 * KIB))
        b.channel.pause()
      },
    })
    // It reads no answer, and closes in good order.
    pair.near.pause()
    const a = new SendQueue()
    for (let i = 0; i < 20; i++) a.add(pattern(100, i), {})
    pair.near.send(a.nextBatch() ?? new Uint8Array())
    await vi.waitFor(() => expect(pair.far.writableNeedsDrain).toBe(true))
    expect(b.messages.length).toBeLessThan(20)
    await other.stop()
    await vi.waitFor(() => expect(pair.far.status).toBe('closed'))
    expect([b.closed, b.channel.queuedBytes]).toEqual([[undefined], 0])
    expect(b.messages.length).toBe(20)
  })
})

describe('giving up', () => {
  it('rejects a send whose signal aborts, and the receiver forgets its part', async () => {
    const a = open(near)
    const b = open(far)
    b.channel.pause()
    const controller = new AbortController()
    const sent = a.channel.send(pattern(3_000 * KIB), { signal: controller.signal })
    await vi.waitFor(() => expect(near.writableNeedsDrain).toBe(true))
    controller.abort()
    await expect(sent).rejects.toMatchObject({ name: 'AbortError' })
    b.channel.resume()
    await vi.waitFor(() => expect(b.lost).toMatchObject([{ name: 'MessageAbortedError' }]))
    await a.channel.send(pattern(5))
    await vi.waitFor(() => expect(b.messages).toEqual([pattern(5)]))
  })

  it('ends the channel, and throws nothing, where a peer that reads nothing has no room for what is to be told', async () => {
    const a = open(near)
    far.pause()
    const controller = new AbortController()
    const sent = a.channel.send(pattern(3_000 * KIB), { signal: controller.signal })
    const other = a.channel.send(pattern(3_000 * KIB))
    await vi.waitFor(() => expect(near.writableNeedsDrain).toBe(true))
    // Each is refused, for the length that it announces.
    for (let id = 0; id < 1_024; id++) far.send(firstFrame(id, 2 ** 31))
    await vi.waitFor(() => expect(a.lost.length).toBe(1_024))
    controller.abort()
    await expect(sent).rejects.toMatchObject({ name: 'AbortError' })
    await expect(other).rejects.toMatchObject({ name: 'ChannelClosedError', cause: { name: 'FramingError' } })
    expect(a.closed).toMatchObject([{ name: 'FramingError' }])
    expect(uncaught).toEqual([])
  })

  it('rejects a send that the receiver refuses, and the other messages go on', async () => {
    const a = open(near)
    const b = open(far, { maxMessageBytes: 1_000 * KIB })
    const large = a.channel.send(pattern(5_000 * KIB))
    a.channel.enqueue(pattern(500 * KIB))
    const reason = { code: 'message-too-large', limit: 'maxMessageBytes', value: 1_000 * KIB }
    await expect(large).rejects.toMatchObject({ name: 'MessageRefusedError', by: 'them', ...reason })
    await vi.waitFor(() => expect(b.messages.length).toBe(1))
    expect(b.lost).toMatchObject([{ by: 'us', ...reason }])
  })

  it('does not hold the time against a sender in which this process stood still', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const b = open(far, { partialIdleMs: 30_000 })
    near.send(unhex('010002 0161'))
    await vi.waitUntil(() => b.channel.partialMessages === 1)
    // A process that goes on runs the timers that are due before it reads what has come.
    const now = performance.now.bind(performance)
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000)
    vi.advanceTimersByTime(30_000)
    expect(b.lost).toEqual([])
    vi.advanceTimersByTime(29_000)
    expect(b.lost).toEqual([])
    vi.advanceTimersByTime(2_000)
    expect(b.lost).toMatchObject([{ code: 'idle' }])
    clock.mockRestore()
  })

  it('refuses a message that stopped coming, by its own clock, and tells the sender', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const b = open(far, { partialIdleMs: 30_000 })
    near.send(unhex('010002 0161'))
    await vi.waitUntil(() => b.channel.partialMessages === 1)
    await vi.advanceTimersByTimeAsync(29_000)
    expect(b.lost).toEqual([])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(b.lost).toMatchObject([{ code: 'idle', limit: 'partialIdleMs', value: 30_000 }])
    expect(b.channel.partialMessages).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['all the while', true],
    ['for a part of it', false],
  ])('does not hold the time in which it was paused against a sender: %s', async (_, isPausedAllTheWhile) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const b = open(far, { partialIdleMs: 30_000 })
    near.send(unhex('010002 0161'))
    await vi.waitUntil(() => b.channel.partialMessages === 1)
    b.channel.pause()
    await vi.advanceTimersByTimeAsync(29_000)
    if (!isPausedAllTheWhile) b.channel.resume()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(b.lost).toEqual([])
    b.channel.resume()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(b.lost).toMatchObject([{ code: 'idle' }])
  })

  it('gives the room of what came in part back when it is over', async () => {
    const partialBudget = new ByteBudget(10_000)
    const b = open(far, { maxMessageBytes: 10_000, partialBudget })
    near.send(unhex('010002 0161'))
    await vi.waitUntil(() => partialBudget.used > 0)
    b.channel.abort(new RangeError('enough'))
    expect([partialBudget.used, b.channel.partialMessages]).toEqual([0, 0])
  })

  it('leaves no listener at the signal of a send or a close that is done', async () => {
    const a = open(near)
    open(far)
    const { signal } = new AbortController()
    await a.channel.send(pattern(100), { signal })
    await a.channel.close({ signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('fails what is queued, stops its timer and listens to nothing once it is aborted', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const added = vi.spyOn(near, 'addEventListener')
    const removed = vi.spyOn(near, 'removeEventListener')
    const a = open(near)
    far.send(unhex('010002 0161'))
    await vi.waitUntil(() => a.channel.partialMessages === 1)
    const sent = a.channel.send(pattern(100))
    a.channel.abort(new RangeError('enough'))
    await expect(sent).rejects.toMatchObject({ name: 'ChannelClosedError', cause: { message: 'enough' } })
    expect(a.closed).toMatchObject([{ message: 'enough' }])
    expect(added.mock.calls.length).toBe(4)
    expect(removed.mock.calls).toEqual(expect.arrayContaining(added.mock.calls))
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a bad peer', () => {
  it('loses the channel with a FramingError when it sends garbage', async () => {
    const b = open(far)
    near.send(unhex('ff'.repeat(50)))
    await vi.waitFor(() => expect(b.closed).toMatchObject([{ name: 'FramingError' }]))
    await vi.waitFor(() => expect(near.status).toBe('reset'))
  })

  it('loses the channel with a TruncatedError when it ends inside a message', async () => {
    const b = open(far)
    near.send(unhex('010002 0161'))
    await near.close()
    await vi.waitFor(() => expect(b.closed).toMatchObject([{ name: 'TruncatedError' }]))
  })

  it('fails every send when it resets the stream in the middle of a drain', async () => {
    for (let round = 0; round < 5; round++) {
      const pair = await link.open()
      const a = open(pair.near)
      const b = open(pair.far)
      b.channel.pause()
      const sends = Array.from({ length: 20 }, (_, i) => a.channel.send(pattern(200 * KIB, i)))
      const results = Promise.allSettled(sends)
      await vi.waitFor(() => expect(pair.near.writableNeedsDrain).toBe(true))
      pair.near.addEventListener('drain', () => pair.near.abort(new RangeError('reset')), { once: true })
      b.channel.resume()
      const names = (await results).map((result) => (result.status === 'rejected' ? result.reason.name : 'sent'))
      expect(new Set(names)).toContain('ChannelClosedError')
      expect(a.closed).toMatchObject([{ message: 'reset' }])
      expect(uncaught).toEqual([])
    }
  })

  it.each(['onMessage', 'onDrain', 'onEnd'] as const)(
    'gets no further when a consumer throws: %s',
    async (callback) => {
      const a = open(near)
      const b = open(far, {
        [callback]: () => {
          throw new RangeError('consumer')
        },
      })
      b.channel.enqueue(pattern(5))
      a.channel.enqueue(pattern(5))
      await a.channel.close().catch(() => undefined)
      await vi.waitFor(() => expect(b.closed).toMatchObject([{ message: 'consumer' }]))
      expect(uncaught).toEqual([])
    },
  )

  it('ends, and lets nothing go uncaught, when a consumer throws what has no text', async () => {
    const thrown: unknown = Object.create(null)
    const a = open(near)
    const b = open(far, {
      onMessage: () => {
        throw thrown
      },
    })
    a.channel.enqueue(pattern(5))
    await vi.waitFor(() => expect(b.closed).toMatchObject([{ name: 'TypeError', cause: thrown }]))
    expect(uncaught).toEqual([])
  })

  it.each([
    ['the stream is reset', () => near.abort(new RangeError('over'))],
    ['the channel is aborted', (channel: FrameChannel) => channel.abort(new RangeError('over'))],
    [
      'a write fails',
      () =>
        vi.spyOn(near, 'send').mockImplementation(() => {
          throw new RangeError('over')
        }),
    ],
  ])('settles every message and tells its end once, whatever callbacks throw, where %s', async (_, end) => {
    const closed: unknown[] = []
    const settled: unknown[] = []
    const { channel } = open(near, {
      onClose: (error) => {
        closed.push(error?.message)
        throw new RangeError('consumer')
      },
    })
    const onSettled = (error?: Error): void => {
      settled.push(error?.name)
      throw new RangeError('consumer')
    }
    for (let i = 0; i < 3; i++) channel.enqueue(pattern(100), { onSettled })
    const sent = channel.send(pattern(100))
    end(channel)
    await expect(sent).rejects.toMatchObject({ name: 'ChannelClosedError' })
    expect([settled, closed]).toEqual([Array.from({ length: 3 }, () => 'ChannelClosedError'), ['over']])
    await setImmediate()
    expect(uncaught).toEqual([])
  })
})

it('carries 16 MB through TCP, Noise and yamux, and the same back', async () => {
  const tcp = await nodes('tcp')
  const pair = await tcp.open()
  const limit = { maxMessageBytes: 16 * KIB * KIB }
  const bytes = pattern(16 * KIB * KIB)
  const a = open(pair.near, limit)
  const b = open(pair.far, { ...limit, onMessage: (message) => void b.channel.enqueue(message) })
  const sent = a.channel.send(bytes)
  await vi.waitFor(() => expect(a.messages.length).toBe(1), { timeout: 10_000, interval: 50 })
  await sent
  expect(Buffer.compare(a.messages[0] ?? new Uint8Array(), bytes)).toBe(0)
  await tcp.stop()
})

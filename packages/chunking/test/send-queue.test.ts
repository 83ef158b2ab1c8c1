import { setImmediate } from 'node:timers/promises'
import { queryObjects, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { Uint8ArrayList } from 'uint8arraylist'
import { MessageRefusedError } from '../src/errors.ts'
import { OutgoingMessage } from '../src/outgoing-message.ts'
import { SendQueue } from '../src/send-queue.ts'
import { drain, flat, pattern, receiver } from './helpers.ts'

const KIB = 1_024

function deliver(queue: SendQueue, maxFrameBytes?: number) {
  const got = receiver({ maxMessageBytes: 100 * KIB * KIB }, maxFrameBytes)
  for (const batch of drain(queue)) got.decoder.decode(batch)
  return got
}

function messagesHeld(): number {
  return Number(queryObjects(OutgoingMessage))
}

describe('coalescing', () => {
  it('puts a thousand small messages into as few writes as their bytes need', () => {
    const queue = new SendQueue()
    for (let i = 0; i < 1_000; i++) queue.add(pattern(128, i), {})
    expect(drain(queue).map((batch) => batch.byteLength > 60_000)).toEqual([true, true, false])
  })

  it('writes a list of views without copying its bytes', () => {
    const queue = new SendQueue()
    const pieces = [pattern(20_000, 1), pattern(20_000, 2)]
    queue.add(new Uint8ArrayList(...pieces), {})
    const batch = queue.nextBatch()
    const buffers = batch == null || batch instanceof Uint8Array ? [] : [...batch].map((piece) => piece.buffer)
    expect(buffers.slice(1)).toEqual(pieces.map((piece) => piece.buffer))
  })

  it('delivers a list of small pieces in their order', () => {
    const queue = new SendQueue({ maxFrameBytes: 100 })
    const pieces = Array.from({ length: 30 }, (_, i) => pattern(i, i))
    queue.add(new Uint8ArrayList(...pieces), {})
    expect(deliver(queue, 100).messages).toEqual([new Uint8Array(Buffer.concat(pieces))])
  })
})

describe('turns', () => {
  it('lets a small message pass a large one of the same lane', () => {
    const queue = new SendQueue()
    queue.add(pattern(500_000), {})
    queue.add(pattern(10), {})
    expect(deliver(queue).messages.map((bytes) => bytes.byteLength)).toEqual([10, 500_000])
  })

  it('sends critical messages before everything else that is queued', () => {
    const queue = new SendQueue()
    const got = receiver()
    queue.add(pattern(300_000), { lane: 'high' })
    got.decoder.decode(flat(queue.nextBatch() ?? new Uint8Array()))
    for (let i = 0; i < 5; i++) queue.add(pattern(100_000, i), { lane: 'critical' })
    for (const batch of drain(queue)) got.decoder.decode(batch)
    expect(got.messages.map((bytes) => bytes.byteLength)).toEqual([
      ...Array.from({ length: 5 }, () => 100_000),
      300_000,
    ])
  })

  it('shares the link between the lanes by their weights', () => {
    const queue = new SendQueue({ laneWeights: { high: 4, normal: 2, bulk: 1 }, maxStartedBytes: 1e9 })
    for (const lane of ['bulk', 'normal', 'high'] as const) queue.add(pattern(10_000_000), { lane })
    const bytes: Record<string, number> = {}
    for (let i = 0; i < 70; i++) {
      const frame = flat(queue.nextBatch() ?? new Uint8Array(2))
      const id = `message ${frame[1]}`
      bytes[id] = (bytes[id] ?? 0) + 1
    }
    expect(Object.values(bytes).toSorted((a, b) => a - b)).toEqual([10, 20, 40])
  })

  it('gives an idle lane no credit for the time it had nothing to send', () => {
    const queue = new SendQueue({ laneWeights: { high: 1, normal: 1, bulk: 1 } })
    queue.add(pattern(5_000_000), { lane: 'normal' })
    for (let i = 0; i < 30; i++) queue.nextBatch()
    queue.add(pattern(3_000_000, 2), { lane: 'bulk' })
    const ids = Array.from({ length: 20 }, () => flat(queue.nextBatch() ?? new Uint8Array(2))[1])
    expect(ids.filter((id) => id === 0).length).toBe(10)
  })

  it('begins no more messages of several frames than the receiver holds, and the rest later', () => {
    const queue = new SendQueue({ maxPartialMessages: 3, maxFrameBytes: 200 })
    for (let i = 0; i < 20; i++) queue.add(pattern(1_000, i), {})
    const got = receiver({ maxPartialMessages: 3 }, 200)
    for (const batch of drain(queue)) got.decoder.decode(batch)
    expect(got.lost).toEqual([])
    expect(got.messages.length).toBe(20)
  })

  it('holds messages back while maxStartedBytes are under way, and sends a larger one alone', () => {
    const queue = new SendQueue({ maxStartedBytes: 1_000, maxFrameBytes: 100 })
    for (const [i, size] of [600, 600, 5_000, 600].entries()) queue.add(pattern(size, i), {})
    const got = receiver({ maxMessageBytes: 5_000, maxPartialBytes: 5_000 }, 100)
    for (const batch of drain(queue)) got.decoder.decode(batch)
    expect(got.lost).toEqual([])
    expect(got.messages.length).toBe(4)
  })

  it.each([2, 3, 8, 64])('keeps some of the places for critical messages: of %i', (maxPartialMessages) => {
    const queue = new SendQueue({ maxPartialMessages, maxFrameBytes: 200 })
    const got = receiver({ maxPartialMessages }, 200)
    for (let i = 0; i < 100; i++) queue.add(pattern(10_000, i), { lane: 'bulk' })
    for (let i = 0; i < 200; i++) got.decoder.decode(flat(queue.nextBatch() ?? new Uint8Array()))
    const before = got.messages.length
    queue.add(pattern(1_000), { lane: 'critical' })
    for (let i = 0; i < 6; i++) got.decoder.decode(flat(queue.nextBatch() ?? new Uint8Array()))
    expect(got.messages.slice(before)).toEqual([pattern(1_000)])
    for (const batch of drain(queue)) got.decoder.decode(batch)
    expect([got.messages.length, got.lost]).toEqual([101, []])
  })

  it('sends large messages of every lane where there is one place', () => {
    const queue = new SendQueue({ maxPartialMessages: 1, maxFrameBytes: 200 })
    const got = receiver({ maxPartialMessages: 1 }, 200)
    for (const lane of ['bulk', 'critical', 'high', 'bulk'] as const) queue.add(pattern(1_000), { lane })
    for (const batch of drain(queue)) got.decoder.decode(batch)
    expect([got.messages.length, got.lost]).toEqual([4, []])
  })

  it('holds critical messages back by maxStartedBytes of their own, not by those of other lanes', () => {
    const queue = new SendQueue({ maxStartedBytes: 1_000, maxFrameBytes: 100 })
    const got = receiver({ maxMessageBytes: 1_000, maxPartialBytes: 2_000 }, 100)
    queue.add(pattern(900), { lane: 'bulk' })
    got.decoder.decode(flat(queue.nextBatch() ?? new Uint8Array()))
    for (const [i, size] of [600, 700, 800].entries()) queue.add(pattern(size, i), { lane: 'critical' })
    for (const batch of drain(queue)) got.decoder.decode(batch)
    expect(got.lost).toEqual([])
    expect(got.messages.map((bytes) => bytes.byteLength)).toEqual([600, 700, 800, 900])
  })
})

describe('limits', () => {
  it('refuses a message over maxMessageBytes and takes one of exactly that', () => {
    const queue = new SendQueue({ maxMessageBytes: 1_000 })
    expect(() => queue.add(pattern(1_001), {})).toThrow(
      expect.objectContaining({ name: 'MessageTooLargeError', code: 'message-too-large', size: 1_001, value: 1_000 }),
    )
    queue.add(pattern(1_000), {})
    expect(deliver(queue).messages.length).toBe(1)
  })

  it('refuses the newest message over maxQueuedBytes, but not a critical one', () => {
    const queue = new SendQueue({ maxQueuedBytes: 1_000 })
    queue.add(pattern(900), { lane: 'bulk' })
    expect(() => queue.add(pattern(100), { lane: 'bulk' })).toThrow(
      expect.objectContaining({ name: 'QueueFullError', limit: 'maxQueuedBytes', value: 1_000, lane: 'bulk' }),
    )
    queue.add(pattern(100), { lane: 'critical' })
    expect(deliver(queue).messages.map((bytes) => bytes.byteLength)).toEqual([100, 900])
    queue.add(pattern(900), { lane: 'bulk' })
  })

  it('bounds empty messages too', () => {
    const queue = new SendQueue({ maxQueuedBytes: 640 })
    for (let i = 0; i < 10; i++) queue.add(new Uint8Array(), {})
    expect(() => queue.add(new Uint8Array(), {})).toThrow(expect.objectContaining({ name: 'QueueFullError' }))
  })

  it.each([
    { maxFrameBytes: 65_001 },
    { maxFrameBytes: 63 },
    { maxMessageBytes: 104_861_697 },
    { maxMessageBytes: 0 },
    { maxPartialMessages: 0 },
    { maxStartedBytes: Number.NaN },
    { maxQueuedBytes: 0 },
    { laneWeights: { bulk: 0 } },
  ])('refuses the option %o', (init) => {
    const [value] = Object.values(init)
    expect(() => new SendQueue(init)).toThrow(RangeError)
    expect(() => new SendQueue(init)).toThrow(String(typeof value === 'number' ? value : 0))
  })
})

describe('giving up', () => {
  it('sends nothing of a message that was cancelled before it began', () => {
    const queue = new SendQueue()
    queue.cancel(queue.add(pattern(100), {}))
    expect(queue.queuedBytes).toBe(0)
    expect(drain(queue)).toEqual([])
  })

  it('tells the receiver of a message that was cancelled half way, and goes on with the others', () => {
    const queue = new SendQueue({ maxFrameBytes: 1_000 })
    const message = queue.add(pattern(5_000), {})
    const got = receiver({}, 1_000)
    got.decoder.decode(flat(queue.nextBatch() ?? new Uint8Array()))
    expect(got.reassembler.partialMessages).toBe(1)
    queue.cancel(message)
    queue.add(pattern(7), {})
    for (const batch of drain(queue)) got.decoder.decode(batch)
    expect(got.reassembler.partialMessages).toBe(0)
    expect(got.lost).toEqual([{ error: expect.objectContaining({ name: 'MessageAbortedError' }), id: 0 }])
    expect(got.messages).toEqual([pattern(7)])
  })

  it('keeps nothing of thousands of messages cancelled while the stream stands still', () => {
    const queue = new SendQueue({ maxQueuedBytes: 10_000 })
    for (let i = 0; i < 5_000; i++) queue.cancel(queue.add(pattern(1_000), {}))
    expect(queue.queuedBytes).toBe(0)
    expect(drain(queue)).toEqual([])
  })

  it('sends no more of a message its receiver refused, and tells its sender', () => {
    const queue = new SendQueue({ maxFrameBytes: 1_000 })
    const told: unknown[] = []
    queue.add(pattern(5_000), { onSettled: (error) => told.push(error), onRefused: (error) => told.push(error) })
    queue.nextBatch()
    const error = new MessageRefusedError('message-too-large', 'them')
    queue.refused(0, error)
    queue.refused(0, error)
    expect(told).toEqual([error, error])
    expect(queue.queuedBytes).toBe(0)
    expect(drain(queue)).toEqual([])
  })

  it('matches a refusal that comes after the last frame', () => {
    const queue = new SendQueue({ maxFrameBytes: 1_000 })
    const told: unknown[] = []
    queue.add(pattern(5_000), { onSettled: (error) => told.push(error), onRefused: (error) => told.push(error.code) })
    drain(queue)
    queue.refused(0, new MessageRefusedError('too-many-bytes', 'them'))
    expect(told).toEqual([undefined, 'too-many-bytes'])
  })

  it('remembers the last 64 messages that were sent for a late refusal, and no older ones', () => {
    const queue = new SendQueue()
    const told: number[] = []
    for (let i = 0; i <= 64; i++) queue.add(pattern(1_024), { onRefused: () => told.push(i) })
    drain(queue)
    for (const id of [0, 1, 64]) queue.refused(id, new MessageRefusedError('idle', 'them'))
    expect(told).toEqual([1, 64])
  })

  it('holds no bytes of a message that was sent, though a refusal may still come', async () => {
    const queue = new SendQueue()
    const held = [3_000, 100_000].map((size) => {
      const bytes = pattern(size)
      queue.add(bytes, { onRefused: () => undefined })
      return new WeakRef(bytes)
    })
    drain(queue)
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    // A weak reference holds on until the end of the turn in which it was made.
    await setImmediate()
    collect()
    expect(held.map((bytes) => bytes.deref())).toEqual([undefined, undefined])
  })

  it('forgets the messages that are cancelled, however many, while the link takes nothing', () => {
    const queue = new SendQueue()
    const before = messagesHeld()
    for (let i = 0; i < 2_000; i++) queue.cancel(queue.add(pattern(128, i), {}))
    expect(messagesHeld() - before).toBeLessThanOrEqual(257)
    expect(queue.queuedBytes).toBe(0)
  })

  it.each([
    ['settled', (queue: SendQueue) => queue.settle(), [0, 1, 2]],
    ['failed', (queue: SendQueue) => queue.fail(new RangeError('gone')), [0, 1, 2, 3]],
  ])('tells every message that is %s, though the callback of one throws, and passes that on', (_, end, all) => {
    const queue = new SendQueue()
    const told: number[] = []
    const add = (i: number): void => {
      const onSettled = (): void => {
        told.push(i)
        if (i === 1) throw new RangeError('consumer')
      }
      queue.add(pattern(100), { onSettled })
    }
    for (const i of [0, 1, 2]) add(i)
    queue.nextBatch()
    add(3)
    expect(() => end(queue)).toThrow('consumer')
    expect(told).toEqual(all)
  })

  it('fails what is queued when the channel is lost', () => {
    const queue = new SendQueue({ maxPartialMessages: 1 })
    const told: (string | undefined)[] = []
    for (let i = 0; i < 3; i++) queue.add(pattern(100_000), { onSettled: (error) => told.push(error?.message) })
    queue.nextBatch()
    queue.nextBatch()
    queue.fail(new RangeError('gone'))
    expect(told).toEqual(['gone', 'gone', 'gone'])
    expect(queue.isEmpty).toBe(true)
  })
})

import { LANES } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteBudget } from '../src/byte-budget.ts'
import { FrameDecoder } from '../src/frame-decoder.ts'
import { Reassembler } from '../src/reassembler.ts'
import { SendQueue } from '../src/send-queue.ts'
import { drain, fragments, hex, pattern, receiver } from './helpers.ts'

const sizes = fc.oneof(fc.nat(40), fc.nat(3_000))
const messages = fc.array(fc.record({ size: sizes, lane: fc.constantFrom(...LANES) }), { minLength: 1, maxLength: 30 })
const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4_000 })), { minLength: 1 })

describe('laws', () => {
  it('delivers exactly the bytes sent, however messages interleave and the stream is cut', () => {
    fc.assert(
      fc.property(messages, cuts, fc.integer({ min: 64, max: 2_000 }), (list, cut, maxFrameBytes) => {
        const queue = new SendQueue({ maxFrameBytes })
        const sent = list.map(({ size, lane }, i) => {
          const bytes = pattern(size, i)
          queue.add(bytes, { lane })
          return hex(bytes)
        })
        const batches = drain(queue)
        for (const batch of batches) expect(batch.byteLength).toBeLessThanOrEqual(maxFrameBytes)
        const { decoder, ...got } = receiver({}, maxFrameBytes)
        for (const piece of fragments(Buffer.concat(batches), cut)) decoder.decode(piece)
        expect(got.messages.map(hex).toSorted()).toEqual(sent.toSorted())
        expect(got.lost).toEqual([])
        expect(got.reassembler.partialMessages).toBe(0)
        expect(decoder.isInFrame).toBe(false)
        expect(queue.queuedBytes).toBe(0)
      }),
    )
  })

  it('delivers of a truncated stream what came whole, and nothing else', () => {
    fc.assert(
      fc.property(messages, fc.nat(), (list, cut) => {
        const queue = new SendQueue({ maxFrameBytes: 200 })
        for (const [i, { size, lane }] of list.entries()) queue.add(pattern(size, i), { lane })
        const bytes = Buffer.concat(drain(queue))
        const whole = receiver({}, 200)
        whole.decoder.decode(bytes)
        const { decoder, ...got } = receiver({}, 200)
        decoder.decode(bytes.subarray(0, cut % bytes.byteLength))
        expect(got.messages).toEqual(whole.messages.slice(0, got.messages.length))
        expect(got.messages.length).toBeLessThan(list.length)
      }),
    )
  })

  it('never takes more memory than the budget, whatever is announced', () => {
    const begin = fc.record({ total: fc.integer({ min: 100, max: 9_000 }), isFinished: fc.boolean() })
    fc.assert(
      fc.property(fc.array(begin, { maxLength: 60 }), (begins) => {
        const budget = new ByteBudget(20_000)
        const { decoder, lost } = receiver(
          { partialBudget: budget, maxMessageBytes: 8_000, maxPartialMessages: 5 },
          128,
        )
        for (const [i, { total, isFinished }] of begins.entries()) {
          const queue = new SendQueue({ maxFrameBytes: 128 })
          queue.add(pattern(total), {})
          const frames = drain(queue)
          for (const frame of isFinished ? frames : frames.slice(0, 1)) {
            // Ids below 128 are one byte, the second of a frame: give each message its own.
            frame[1] = i
            decoder.decode(frame)
            expect(budget.used).toBeLessThanOrEqual(20_000)
          }
        }
        for (const { error } of lost) {
          expect(['message-too-large', 'too-many-messages', 'too-many-bytes']).toContain(error.code)
        }
      }),
    )
  })

  it('keeps the order of the messages of one lane that fit one frame', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 50 }), (list) => {
        const queue = new SendQueue({ maxFrameBytes: 70 })
        const sent = list.map((size, i) => pattern(size + 1, i))
        for (const bytes of sent) queue.add(bytes, { lane: 'high' })
        const { decoder, messages: got } = receiver({}, 70)
        for (const batch of drain(queue)) decoder.decode(batch)
        expect(got).toEqual(sent)
      }),
    )
  })
})

describe('memory', () => {
  it('copies small pieces together and gives the budget back when the message ends', () => {
    const budget = new ByteBudget(100_000)
    const { decoder, messages: got, reassembler } = receiver({ partialBudget: budget, maxMessageBytes: 100_000 })
    const queue = new SendQueue({ maxMessageBytes: 100_000 })
    queue.add(pattern(90_000), {})
    const bytes = Buffer.concat(drain(queue))
    for (const piece of fragments(bytes.subarray(0, 70_000), [1])) decoder.decode(piece)
    expect(budget.used).toBeGreaterThan(69_900)
    expect(budget.used).toBeLessThanOrEqual(90_000)
    expect(reassembler.partialMessages).toBe(1)
    decoder.decode(bytes.subarray(70_000))
    expect(budget.used).toBe(0)
    expect(got).toEqual([pattern(90_000)])
  })

  it.each([65_001, 65_535, 65_536, 65_537, 180_000])(
    'gives a message of %i bytes in several frames memory of its own, and no more of it than that',
    (length) => {
      const received: Uint8Array[] = []
      const reassembler = new Reassembler({
        onMessage: (bytes) => received.push(bytes) > 0,
        onLost: () => expect.unreachable(),
        onRefused: () => expect.unreachable(),
      })
      const decoder = new FrameDecoder(reassembler)
      const queue = new SendQueue()
      queue.add(pattern(length), {})
      for (const batch of drain(queue)) decoder.decode(batch)
      expect(received).toEqual([pattern(length)])
      expect(received.map(({ byteOffset, buffer }) => [byteOffset, buffer.byteLength])).toEqual([[0, length]])
    },
  )
})

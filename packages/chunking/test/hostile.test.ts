import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { ByteBudget } from '../src/byte-budget.ts'
import { MessageRefusedError } from '../src/errors.ts'
import { FLAG_LAST } from '../src/frame.ts'
import { SendQueue } from '../src/send-queue.ts'
import { dataFrame, drain, firstFrame, flat, pattern, receiver, unhex } from './helpers.ts'

const framing = expect.objectContaining({ name: 'FramingError', code: 'framing', report: 'protocol-violation' })

describe('framing', () => {
  it.each([
    ['unknown flags', '1000'],
    ['an abort that is also a first frame', '050000'],
    ['a refusal that is also an abort', '0c0000'],
    ['a padded number', '03800005'],
    ['a number over 53 bits', '03ffffffffffffff7f'],
    ['a number over 8 bytes', '03ffffffffffffffffff'],
    ['a header that never ends', `01${'ff'.repeat(7)}01${'ff'.repeat(20)}`],
    ['a frame over maxFrameBytes', '0300f0fb03'],
    ['a frame of 2^49 bytes', '0300ffffffffffff7f'],
    ['a frame without payload that is not an empty message', '01000500'],
    ['a first frame as long as its message', '010001 01 61'],
    ['a frame of a message that never began', '00050161'],
    ['the same message begun twice', '010005 0161 010005 0161'],
    ['an older message begun after a newer one', '030500 030400'],
    ['a message longer than announced', '010002 0161 0200 026263'],
    ['a message shorter than announced', '010009 0161 0200 0162'],
  ])('refuses %s', (_, bytes) => {
    expect(() => receiver().decoder.decode(unhex(bytes))).toThrow(framing)
  })

  it('throws nothing but a FramingError on random bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Small numbers are likelier to be frames.
      fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 200 }).map((list) => Uint8Array.from(list)),
    )
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (pieces) => {
        const { decoder, reassembler } = receiver({ maxPartialMessages: 4 })
        let thrown: unknown
        try {
          for (const piece of pieces) decoder.decode(piece)
        } catch (err) {
          thrown = err
        }
        expect([undefined, framing]).toContainEqual(thrown)
        expect(reassembler.partialMessages).toBeLessThanOrEqual(4)
      }),
      { numRuns: 1_000 },
    )
  })

  it('refuses a refusal of a message that was never sent', () => {
    const queue = new SendQueue()
    queue.add(pattern(5), {})
    drain(queue)
    const error = new MessageRefusedError('idle', 'them')
    queue.refused(0, error)
    expect(() => queue.refused(1, error)).toThrow(framing)
  })
})

describe('bounds', () => {
  it('refuses one message too many, and goes on with the others', () => {
    const { decoder, lost, messages } = receiver({ maxPartialMessages: 2 })
    decoder.decode(unhex('010002 0161 010102 0162 010202 0163'))
    expect(lost).toEqual([{ error: expect.objectContaining({ code: 'too-many-messages', value: 2 }), id: 2 }])
    // The last frame of the refused one was under way, and is passed over.
    decoder.decode(unhex('0202 0163 0200 0161 0201 0162'))
    expect(messages).toEqual([unhex('6161'), unhex('6262')])
  })

  it('refuses what goes past maxPartialBytes, and takes it once there is room', () => {
    const { decoder, lost, messages } = receiver({ maxPartialBytes: 10, maxMessageBytes: 10 })
    decoder.decode(unhex('010006 026161 010106 026262'))
    expect(lost).toEqual([{ error: expect.objectContaining({ code: 'too-many-bytes', value: 10 }), id: 1 }])
    decoder.decode(unhex('0200 0461616161 010206 026363 0202 0463636363'))
    expect(messages.length).toBe(2)
  })

  it('keeps no room for what was announced and has not come', () => {
    const budget = new ByteBudget(100_000)
    const { decoder, lost, messages } = receiver({ partialBudget: budget, maxMessageBytes: 100_000 })
    for (let id = 0; id < 20; id++) decoder.decode(firstFrame(id, 90_000))
    expect(budget.used).toBeLessThan(100)
    decoder.decode(Buffer.concat([firstFrame(20, 90_000, 50_000), dataFrame(FLAG_LAST, 20, 40_000)]))
    expect([lost, messages.map(({ byteLength }) => byteLength)]).toEqual([[], [90_000]])
  })

  it('gives up a message that comes too slowly, however regular its pieces are', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const { decoder, lost, reassembler } = receiver({ partialIdleMs: 1_000 })
      decoder.decode(Buffer.concat([firstFrame(0, 1_000_000), firstFrame(1, 1_000_000)]))
      // One gets by with what is least, and the other comes by the byte.
      for (let second = 1; second <= 20; second++) {
        vi.advanceTimersByTime(900)
        decoder.decode(Buffer.concat([dataFrame(0, 0, 32_768), dataFrame(0, 1, 1)]))
        reassembler.expire(performance.now())
        expect(lost.length).toBe(second * 900 >= 10_000 ? 1 : 0)
      }
      expect(lost).toEqual([{ error: expect.objectContaining({ code: 'idle', value: 1_000 }), id: 1 }])
    } finally {
      vi.useRealTimers()
    }
  })

  it('does not hold the time we did not read against a slow message', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const { decoder, lost, reassembler } = receiver({ partialIdleMs: 1_000 })
      decoder.decode(firstFrame(0, 1_000_000))
      vi.advanceTimersByTime(60_000)
      reassembler.touch(performance.now())
      reassembler.expire(performance.now())
      expect(lost).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it('refuses a message over maxMessageBytes by its announced length, in one frame or several', () => {
    const { decoder, lost } = receiver({ maxMessageBytes: 4 })
    decoder.decode(unhex('03 00 05 6161616161'))
    decoder.decode(unhex('010105 0161'))
    expect(lost.map(({ error }) => error.code)).toEqual(['message-too-large', 'message-too-large'])
  })

  it('gives an idle message up after partialIdleMs and not before, and frees its place', () => {
    const { decoder, lost, reassembler } = receiver({ partialIdleMs: 1_000 })
    decoder.decode(unhex('010002 0161'))
    const now = performance.now()
    expect(reassembler.expire(now + 900)).toBeGreaterThan(0)
    expect(lost).toEqual([])
    expect(reassembler.expire(now + 1_000)).toBe(Number.POSITIVE_INFINITY)
    expect(lost).toEqual([{ error: expect.objectContaining({ code: 'idle', value: 1_000 }), id: 0 }])
    expect(reassembler.partialMessages).toBe(0)
  })

  it('gives the channel up to a peer that causes refusals and never reads them', () => {
    const queue = new SendQueue()
    for (let i = 0; i < 1_024; i++) queue.refuse(i, new MessageRefusedError('idle', 'us'))
    expect(() => queue.refuse(1_024, new MessageRefusedError('idle', 'us'))).toThrow(framing)
    expect(flat(queue.nextBatch() ?? new Uint8Array()).byteLength).toBeGreaterThan(3_000)
  })
})

import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import type { CipherState } from '../src/cipher-state.ts'
import { FrameOpener, type Opened } from '../src/frame-opener.ts'
import { frameCount, sealFrames } from '../src/seal-frames.ts'
import { cipherPair, CRYPTOS, pattern, toHex } from './helpers.ts'

const MAX = 65_519

/** Cuts `bytes` where `cuts` says, anywhere in it. */
function fragments(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b)
  let start = 0
  return [...ends, bytes.length].map((end) => {
    const part = bytes.subarray(start, end)
    start = end
    return part
  })
}

/** Cuts at random, so that many cuts fall into lengths, tags and messages. */
const cuts = fc.array(fc.nat(), { maxLength: 40 })
const size = fc.oneof(fc.nat(300), fc.constantFrom(MAX - 1, MAX, MAX + 1, 2 * MAX, 2 * MAX + 7))

describe.each(CRYPTOS)('frames, by $name', (crypto) => {
  it('delivers the same bytes in the same order, however the ciphertext is cut', () => {
    const write = fc.record({ size, isSplit: fc.boolean() })
    fc.assert(
      fc.property(fc.array(write, { maxLength: 6 }), cuts, fc.boolean(), (writes, where, asList) => {
        const [sender, receiver] = cipherPair(crypto)
        const given = writes.map((each) => pattern(each.size))
        const sealed = given.map((bytes, index) => {
          const parts = writes[index]?.isSplit ? fragments(bytes, [bytes.length >>> 1, 12]) : [bytes]
          return sealFrames(sender, new Uint8ArrayList(...parts))
        })
        const opener = new FrameOpener(receiver)
        const pieces = fragments(Buffer.concat(sealed), where)
        const opened = asList
          ? [opener.open(new Uint8ArrayList(...pieces)).plaintext]
          : pieces.map((piece) => opener.open(piece).plaintext)
        expect(Buffer.concat(opened).equals(Buffer.concat(given))).toBe(true)
        expect(opener.isInsideFrame).toBe(false)
      }),
      { numRuns: 40 },
    )
  })

  it('keeps messages apart that come in pieces on several connections by turns', () => {
    const connections = fc.array(fc.record({ sizes: fc.array(size, { maxLength: 3 }), cuts }), {
      minLength: 2,
      maxLength: 12,
    })
    fc.assert(
      fc.property(connections, (all) => {
        const open = all.map(({ sizes, cuts: where }, index) => {
          const [sender, receiver] = cipherPair(crypto)
          const given = sizes.map((length) => pattern(length).fill(index + 1))
          const wire = Buffer.concat(given.map((bytes) => sealFrames(sender, new Uint8ArrayList(bytes))))
          const pieces = fragments(wire, where)
          return { opener: new FrameOpener(receiver), given: Buffer.concat(given), pieces, opened: Buffer.alloc(0) }
        })
        const most = Math.max(...open.map(({ pieces }) => pieces.length))
        for (let turn = 0; turn < most; turn++) {
          for (const each of open) {
            const piece = each.pieces[turn]
            if (piece !== undefined) each.opened = Buffer.concat([each.opened, each.opener.open(piece).plaintext])
          }
        }
        for (const { opened, given } of open) expect(opened.equals(given)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('delivers nothing of a message with a flipped bit, and nothing after it', () => {
    const sizes = fc.array(fc.nat(40), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(7), cuts, (lengths, place, bit, where) => {
        const [sender, receiver] = cipherPair(crypto)
        const given = lengths.map((length) => pattern(length + 1))
        const sealed = given.map((bytes) => sealFrames(sender, new Uint8ArrayList(bytes)))
        const wire = Buffer.concat(sealed)
        const at = place % wire.length
        wire[at] = (wire[at] ?? 0) ^ (1 << bit)
        const { plaintext, error } = openUntilError(new FrameOpener(receiver), fragments(wire, where))
        const before = genuineBefore(sealed, given, at)
        expect(toHex(plaintext)).toBe(toHex(before))
        // A length that became longer may leave it waiting for the rest: nothing was delivered, and nothing will be.
        expect(error?.name === 'NoiseFrameError' || isLength(sealed, at)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })
})

describe('frames', () => {
  it('fills a message to 65,535 bytes, and begins the next with the byte after it', () => {
    const [sender, receiver] = cipherPair()
    const sealed = sealFrames(sender, new Uint8ArrayList(pattern(MAX + 1)))
    expect(sealed).toHaveLength(2 + 65_535 + 2 + 17)
    expect([...sealed.subarray(0, 2)]).toEqual([0xff, 0xff])
    expect([...sealed.subarray(65_537, 65_539)]).toEqual([0, 17])
    expect(new FrameOpener(receiver).open(sealed).frames).toBe(2)
    expect([0, 1, MAX, MAX + 1].map(frameCount)).toEqual([0, 1, 1, 2])
  })

  it.each([
    ['as bytes', (piece: Uint8Array) => piece],
    ['as a list, as libp2p hands it over', (piece: Uint8Array) => new Uint8ArrayList(piece)],
  ])(
    'leaves plaintext in the memory of a piece that completes one message alone, and most of which it is, %s',
    (_, of) => {
      const [sender, receiver] = cipherPair()
      const opener = new FrameOpener(receiver)
      const [lone, first, second, third] = [128, MAX, MAX, 9].map((bytes) => seal(sender, bytes))
      const opened: Uint8Array[] = []
      /** Whether plaintext lies where the ciphertext lay. */
      const isInPlace = (...parts: (Uint8Array | undefined)[]): boolean => {
        const piece = Uint8Array.from(Buffer.concat(parts.map((part) => part ?? new Uint8Array())))
        const { plaintext } = opener.open(of(piece))
        opened.push(plaintext)
        return plaintext.length > 0 && plaintext.buffer === piece.buffer
      }
      expect(isInPlace(lone)).toBe(true)
      expect(isInPlace(first?.subarray(0, 40_000))).toBe(false)
      expect(isInPlace(first?.subarray(40_000), second?.subarray(0, 45_000))).toBe(true)
      // The piece is too short for it.
      expect(isInPlace(second?.subarray(45_000))).toBe(false)
      // Two of them, and one that would hold on to thousands of times what it needs.
      expect(isInPlace(third, seal(sender, 9))).toBe(false)
      expect(isInPlace(seal(sender, 9), seal(sender, MAX).subarray(0, 20_000))).toBe(false)
      const given = [128, MAX, MAX, 9, 9, 9].map(pattern)
      expect(Buffer.concat(opened).equals(Buffer.concat(given))).toBe(true)
    },
  )

  it('accepts an empty message, and delivers nothing for it', () => {
    const [sender, receiver] = cipherPair()
    const empty = new Uint8Array(18)
    empty[1] = 16
    sender.encrypt(empty.subarray(2), new Uint8Array(0))
    const opened = new FrameOpener(receiver).open(empty)
    expect(opened).toMatchObject({ frames: 1, error: undefined })
    expect(opened.plaintext).toHaveLength(0)
  })

  it('refuses a message shorter than its tag', () => {
    for (const length of [0, 15]) {
      const [, receiver] = cipherPair()
      const wire = new Uint8Array(2 + length)
      wire[1] = length
      const { error } = new FrameOpener(receiver).open(wire)
      expect(error).toMatchObject({ code: 'too-short', message: expect.stringContaining(`${length}`) })
    }
  })

  it('ends with nonce-exhausted, after the last message the key may decrypt', () => {
    const [sender, receiver] = cipherPair(undefined, Number.MAX_SAFE_INTEGER - 1)
    const last = sealFrames(sender, new Uint8ArrayList(pattern(5)))
    const opened = new FrameOpener(receiver).open(new Uint8ArrayList(last, last))
    expect(opened.plaintext).toEqual(pattern(5))
    expect(opened.error).toMatchObject({ code: 'nonce-exhausted' })
    expect(() => sealFrames(sender, new Uint8ArrayList(pattern(5)))).toThrow(
      expect.objectContaining({ code: 'nonce-exhausted' }),
    )
  })
})

function seal(sender: CipherState, bytes: number): Uint8Array {
  return sealFrames(sender, new Uint8ArrayList(pattern(bytes)))
}

function openUntilError(opener: FrameOpener, pieces: readonly Uint8Array[]): Pick<Opened, 'plaintext' | 'error'> {
  const all: Uint8Array[] = []
  for (const piece of pieces) {
    const { plaintext, error } = opener.open(piece)
    all.push(plaintext)
    if (error !== undefined) return { plaintext: Buffer.concat(all), error }
  }
  return { plaintext: Buffer.concat(all), error: undefined }
}

/** The plaintext of the messages that end before the byte at `at`. */
function genuineBefore(sealed: readonly Uint8Array[], given: readonly Uint8Array[], at: number): Uint8Array {
  let end = 0
  return Buffer.concat(
    given.filter((_, index) => {
      end += sealed[index]?.length ?? 0
      return end <= at
    }),
  )
}

function isLength(sealed: readonly Uint8Array[], at: number): boolean {
  let start = 0
  for (const { length } of sealed) {
    if (at === start || at === start + 1) return true
    start += length
  }
  return false
}

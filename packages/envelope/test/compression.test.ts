import { createHash } from 'node:crypto'
import zlib from 'node:zlib'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { compress, type Compressed, COMPRESSION, inflate } from '../src/index.ts'
import { codeOf, refusal } from './helpers.ts'

const LIMITS = { compressAboveBytes: 2_048, maxRatio: 100, maxBytes: 1_000_000 }

function text(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.from(Array.from({ length: bytes }, (_, i) => `${i % 97},`).join('')).subarray(0, bytes))
}

it('gives back any payload', () => {
  const arbPayload = fc.oneof(
    fc.uint8Array({ maxLength: 5_000 }),
    fc.nat({ max: 100_000 }).map((size) => text(size)),
    fc.nat({ max: 100_000 }).map((size) => new Uint8Array(size)),
  )
  fc.assert(
    fc.property(arbPayload, (payload) => {
      expect(Buffer.compare(inflate(compress(payload, LIMITS), LIMITS), payload)).toBe(0)
    }),
    { numRuns: 50 },
  )
})

it('compresses 2,049 bytes and leaves 2,048 as they are', () => {
  expect(compress(text(2_048), LIMITS).compression).toBe(COMPRESSION.none)
  const packed = compress(text(2_049), LIMITS)
  expect(packed).toMatchObject({ compression: COMPRESSION.zstd, inflatedBytes: 2_049 })
  expect(packed.payload.byteLength).toBeLessThan(2_049)
})

it('leaves a payload that would not become smaller', () => {
  const noise = new Uint8Array(zlib.brotliCompressSync(text(20_000))).slice(0, 60)
  expect(compress(noise, { ...LIMITS, compressAboveBytes: 0 }).compression).toBe(COMPRESSION.none)
})

it('leaves a payload of which less than an eighth would be saved', () => {
  const noise = Array.from({ length: 10 }, (_, i) => createHash('sha512').update(String(i)).digest())
  // Random bytes with so many zeros behind each 64 of them.
  const padded = (zeros: number): Buffer => Buffer.concat(noise.flatMap((bytes) => [bytes, Buffer.alloc(zeros)]))
  const always = { ...LIMITS, compressAboveBytes: 0 }
  expect(compress(padded(6), always).compression).toBe(COMPRESSION.none)
  const packed = compress(padded(40), always)
  expect(packed.compression).toBe(COMPRESSION.zstd)
  expect(packed.payload.byteLength).toBeLessThanOrEqual((padded(40).byteLength * 7) / 8)
})

it('leaves a payload that an opener would refuse for its ratio', () => {
  expect(compress(new Uint8Array(100_000), LIMITS).compression).toBe(COMPRESSION.none)
})

it('leaves everything where Node.js has no zstd, and says so when it is sent some', async () => {
  expect(compress(text(5_000), LIMITS, {}).compression).toBe(COMPRESSION.none)
  const packed = compress(text(5_000), LIMITS)
  expect(await refusal(() => inflate(packed, LIMITS, {}))).toEqual({
    code: 'unsupported-compression',
    report: 'absent',
  })
})

it('refuses a method it does not know', async () => {
  const packed = { compression: 2, inflatedBytes: 5, payload: new Uint8Array(5) }
  expect(await codeOf(() => inflate(packed, LIMITS))).toBe('unsupported-compression')
})

it.each([
  ['declares more than maxBytes', 1_000_001, 'inflation-limit'],
  ['declares more than maxRatio allows', 999_999, 'inflation-limit'],
  ['inflates to more than it declares', 4_999, 'inflation-limit'],
  ['inflates to less than it declares', 5_001, 'corrupt-payload'],
])('refuses a payload that %s', async (_what, inflatedBytes, code) => {
  const packed = compress(text(5_000), LIMITS)
  expect(await refusal(() => inflate({ ...packed, inflatedBytes }, LIMITS))).toEqual({
    code,
    report: 'invalid-message',
  })
})

it('does not inflate at all what declares too much', async () => {
  let calls = 0
  const library = {
    zstdDecompressSync: (): never => {
      calls++
      throw new TypeError('called')
    },
  }
  const payload = new Uint8Array(10)
  for (const inflatedBytes of [1_001, 1_000_001]) {
    await codeOf(() => inflate({ compression: 1, inflatedBytes, payload }, LIMITS, library))
  }
  expect(calls).toBe(0)
})

it('takes a frame that asks for a window of 8 MiB and refuses one that asks for 16', async () => {
  expect(await codeOf(() => inflate(frameWithWindow(23), LIMITS))).toBeUndefined()
  expect(await codeOf(() => inflate(frameWithWindow(24), LIMITS))).toBe('corrupt-payload')
})

// RFC 8878: magic number, no optional fields, window descriptor, one last raw block of five bytes.
function frameWithWindow(log: number): Compressed {
  const payload = new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3, (5 << 3) | 1, 0, 0, 1, 2, 3, 4, 5])
  return { compression: COMPRESSION.zstd, inflatedBytes: 5, payload }
}

it('refuses any bytes that are no frame, with a typed error', () => {
  return fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (payload) => {
      expect(['corrupt-payload', 'inflation-limit']).toContain(
        await codeOf(() => inflate({ compression: 1, inflatedBytes: payload.byteLength, payload }, LIMITS)),
      )
    }),
  )
})

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PayloadChunk, PayloadAssembler, splitPayload, splitPayloadInTurns } from '../src/index.ts'
import { hex, pattern, unhex } from './helpers.ts'
import { EMPTY_ROOT } from './fixtures/rfc6962.ts'

const CHUNK = 1_024
const MAX_BYTES = 100 * 1_024 * 1_024
const sizes = fc.oneof(
  fc.nat(3 * CHUNK),
  fc.nat(20 * CHUNK),
  fc.nat(20).map((n) => n * CHUNK),
)

/** What a hostile or broken peer may do to a chunk. `n` says where. */
const damages = {
  'flip-byte': ({ index, bytes, proof }, n) => ({ index, bytes: flipped(bytes, n), proof }),
  truncate: ({ index, bytes, proof }, n) => ({ index, bytes: bytes.subarray(0, n % bytes.length), proof }),
  extend: ({ index, bytes, proof }) => ({ index, bytes: Buffer.concat([bytes, bytes]), proof }),
  'flip-proof': ({ index, bytes, proof }, n) => ({ index, bytes, proof: flipped(proof, n) }),
  'shorten-proof': ({ index, bytes, proof }, n) => ({ index, bytes, proof: proof.subarray(0, n % proof.length) }),
  'lengthen-proof': ({ index, bytes, proof }) => ({ index, bytes, proof: Buffer.concat([proof, bytes]) }),
  'out-of-range': ({ index, bytes, proof }, n) => ({ index: -1 - index - n, bytes, proof }),
} satisfies Record<string, (chunk: PayloadChunk, n: number) => PayloadChunk>
const DAMAGES = Object.keys(damages) as (keyof typeof damages)[]

function flipped(bytes: Uint8Array, n: number): Uint8Array {
  return bytes.map((byte, i) => (i === n % bytes.length ? byte ^ 0x10 : byte))
}

function split(size: number) {
  return splitPayload(pattern(size), { chunkBytes: CHUNK })
}

function refusal(assembler: PayloadAssembler, chunk: PayloadChunk): unknown {
  try {
    assembler.add(chunk)
    return undefined
  } catch (err) {
    return err
  }
}

function finished(assembler: PayloadAssembler): Uint8Array | string {
  try {
    return assembler.finish().payload
  } catch (err) {
    return err instanceof Error ? err.name : 'no error'
  }
}

describe('laws', () => {
  it('gives exactly the bytes, in any order, with any copies and forgeries in between', () => {
    const step = fc.record({ pick: fc.nat(), n: fc.nat(), damage: fc.constantFrom(...DAMAGES) })
    fc.assert(
      fc.property(sizes, fc.infiniteStream(step), (size, steps) => {
        const whole = split(size)
        const assembler = new PayloadAssembler(whole)
        const waiting = [...whole]
        for (const { pick, n, damage } of steps) {
          if (waiting.length === 0) break
          const [chunk] = waiting.splice(pick % waiting.length, 1)
          if (chunk === undefined) throw new RangeError('nothing waits')
          const forge = damages[chunk.proof.length > 0 ? damage : 'lengthen-proof']
          expect(refusal(assembler, forge(chunk, n))).toMatchObject({ name: 'ForgedChunkError' })
          expect(assembler.has(chunk.index)).toBe(false)
          assembler.add(chunk)
          expect(refusal(assembler, chunk)).toMatchObject({ name: 'DuplicateChunkError' })
        }
        expect(assembler.finish().payload).toEqual(pattern(size))
      }),
    )
  })

  it('says of any subset what is missing and how far it is, and gives nothing before it is whole', () => {
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.boolean()), (size, picks) => {
        const whole = split(size)
        const assembler = new PayloadAssembler(whole)
        const given = [...whole].filter(() => picks.next().value === true)
        for (const chunk of given) assembler.add(chunk)
        const bytes = given.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
        const taken = new Set(given.map((chunk) => chunk.index))
        expect([...assembler.missing()]).toEqual(
          [...whole].map(({ index }) => index).filter((index) => !taken.has(index)),
        )
        expect(assembler.receivedBytes).toBe(bytes)
        expect(assembler.receivedChunks).toBe(given.length)
        expect(assembler.progress).toBe(size === 0 ? 1 : bytes / size)
        const isWhole = given.length === whole.chunkCount
        expect(finished(assembler)).toEqual(isWhole ? whole.payload : 'PayloadIncompleteError')
      }),
    )
  })

  it('never takes the bytes and proof of one chunk for another', () => {
    fc.assert(
      fc.property(fc.integer({ min: CHUNK + 1, max: 20 * CHUNK }), fc.nat(), fc.nat(), (size, a, b) => {
        const whole = split(size)
        const chunk = whole.chunk(a % whole.chunkCount)
        const index = b % whole.chunkCount
        fc.pre(index !== chunk.index)
        expect(refusal(new PayloadAssembler(whole), { ...chunk, index })).toMatchObject({ name: 'ForgedChunkError' })
      }),
    )
  })

  it('takes nothing but the bytes under the root, whatever is sent', () => {
    const made = fc.record({
      index: fc.oneof(fc.integer(), fc.double(), fc.nat(5)),
      bytes: fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: CHUNK, maxLength: CHUNK })),
      proof: fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 96, maxLength: 96 })),
    })
    const assembler = new PayloadAssembler(split(5 * CHUNK))
    fc.assert(
      fc.property(made, (chunk) => {
        expect(refusal(assembler, chunk)).toMatchObject({ name: 'ForgedChunkError', report: 'invalid-message' })
        expect(assembler.receivedChunks).toBe(0)
      }),
    )
  })

  it('splits in turns as it does at once', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (size) => {
        const inTurns = await splitPayloadInTurns(pattern(size), { chunkBytes: CHUNK })
        expect(hex(inTurns.root)).toBe(hex(split(size).root))
      }),
      { numRuns: 20 },
    )
  })
})

describe('splitting', () => {
  it('gives views of the payload, and a short last chunk', () => {
    const payload = pattern(2 * CHUNK + 1)
    const whole = splitPayload(payload, { chunkBytes: CHUNK })
    expect([...whole].map((chunk) => [chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.length])).toEqual([
      [payload.buffer, 0, CHUNK],
      [payload.buffer, CHUNK, CHUNK],
      [payload.buffer, 2 * CHUNK, 1],
    ])
    expect(whole.payload).toBe(payload)
    expect(() => whole.chunk(3)).toThrow(RangeError)
  })

  it('cuts into 65_536 bytes unless told otherwise', () => {
    expect(splitPayload(new Uint8Array(65_536)).chunkCount).toBe(1)
    expect(splitPayload(new Uint8Array(65_537)).chunkCount).toBe(2)
  })

  it('lets other work have its turn for each megabyte, and stops when the signal aborts', async () => {
    const controller = new AbortController()
    const options = { maxTotalBytes: MAX_BYTES, signal: controller.signal }
    const splitting = splitPayloadInTurns(new Uint8Array(MAX_BYTES / 10), options)
    // Runs before the splitting is done only if that gives way.
    setImmediate(() => controller.abort(new RangeError('enough')))
    await expect(splitting).rejects.toThrow('enough')
  })

  it('refuses a payload over maxTotalBytes and options out of range', async () => {
    const tooLarge = {
      name: 'PayloadTooLargeError',
      code: 'payload-too-large',
      limit: 'maxTotalBytes',
      value: 4,
      size: 5,
    }
    expect(splitPayload(new Uint8Array(4), { maxTotalBytes: 4 }).totalBytes).toBe(4)
    expect(() => splitPayload(new Uint8Array(5), { maxTotalBytes: 4 })).toThrow(expect.objectContaining(tooLarge))
    await expect(splitPayloadInTurns(new Uint8Array(5), { maxTotalBytes: 4 })).rejects.toMatchObject(tooLarge)
    expect(() => splitPayload(new Uint8Array(10 * 1_024 * 1_024 + 1))).toThrow(
      expect.objectContaining({ value: 10_485_760 }),
    )
    for (const chunkBytes of [1_023, 1_048_577, 2_000.5, Number.NaN]) {
      expect(() => splitPayload(new Uint8Array(5), { chunkBytes })).toThrow(RangeError)
    }
    for (const maxTotalBytes of [-1, MAX_BYTES + 1, Number.NaN]) {
      expect(() => splitPayload(new Uint8Array(5), { maxTotalBytes })).toThrow(RangeError)
    }
  })
})

describe('assembling', () => {
  it('names what is wrong with a chunk, with the limit and its value', () => {
    const whole = split(3 * CHUNK + 5)
    const assembler = new PayloadAssembler(whole)
    const [first, last] = [whole.chunk(0), whole.chunk(3)]
    const faults: [PayloadChunk, object][] = [
      [
        { ...first, index: 4 },
        { code: 'wrong-index', limit: 'chunkCount', value: 4 },
      ],
      [
        { ...first, index: -1 },
        { code: 'wrong-index', limit: 'chunkCount', value: 4 },
      ],
      [
        { ...first, index: 0.5 },
        { code: 'wrong-index', limit: 'chunkCount', value: 4 },
      ],
      [
        { ...first, bytes: first.bytes.subarray(1) },
        { code: 'wrong-length', value: CHUNK },
      ],
      [
        { ...last, bytes: new Uint8Array(6) },
        { code: 'wrong-length', value: 5 },
      ],
      [
        { ...first, proof: first.proof.subarray(32) },
        { code: 'wrong-proof-length', value: 64 },
      ],
      [
        { ...first, bytes: new Uint8Array(CHUNK) },
        { code: 'wrong-root', limit: 'root', value: hex(whole.root) },
      ],
    ]
    for (const [chunk, fault] of faults) {
      expect(refusal(assembler, chunk)).toMatchObject({ ...fault, index: chunk.index, report: 'invalid-message' })
    }
    assembler.add(last)
    expect(refusal(assembler, last)).toMatchObject({ code: 'duplicate-chunk', limit: 'copies of a chunk', value: 1 })
    expect(() => assembler.finish()).toThrow(
      expect.objectContaining({ code: 'payload-incomplete', limit: 'chunkCount', value: 4, receivedChunks: 1 }),
    )
  })

  it('refuses a manifest over maxTotalBytes, or that describes nothing', () => {
    const root = new Uint8Array(32)
    const good = { root, totalBytes: CHUNK, chunkBytes: CHUNK }
    expect(new PayloadAssembler(good, { maxTotalBytes: CHUNK }).chunkCount).toBe(1)
    expect(() => new PayloadAssembler({ ...good, totalBytes: CHUNK + 1 }, { maxTotalBytes: CHUNK })).toThrow(
      expect.objectContaining({ code: 'payload-too-large', value: CHUNK, size: CHUNK + 1 }),
    )
    expect(() => new PayloadAssembler({ ...good, totalBytes: 10_485_761 })).toThrow(
      expect.objectContaining({ value: 10_485_760 }),
    )
    expect(() => new PayloadAssembler(good, { maxTotalBytes: MAX_BYTES + 1 })).toThrow(RangeError)
    const wrong = [
      ['root', { root: new Uint8Array(31) }],
      ['root', { totalBytes: 0 }],
      ['totalBytes', { totalBytes: -1 }],
      ['totalBytes', { totalBytes: 1.5 }],
      ['totalBytes', { totalBytes: Number.NaN }],
      ['chunkBytes', { chunkBytes: 1_023 }],
      ['chunkBytes', { chunkBytes: 1_048_577 }],
    ] as const
    for (const [limit, field] of wrong) {
      expect(() => new PayloadAssembler({ ...good, ...field })).toThrow(
        expect.objectContaining({ code: 'invalid-manifest', limit, report: 'protocol-violation' }),
      )
    }
  })

  it('is whole at once for a payload of 0 bytes', () => {
    const assembler = new PayloadAssembler({ root: unhex(EMPTY_ROOT), totalBytes: 0, chunkBytes: CHUNK })
    expect(assembler.isComplete).toBe(true)
    expect(assembler.progress).toBe(1)
    expect(assembler.finish().payload).toEqual(new Uint8Array())
  })

  it('allocates the declared total once, with the first good chunk, and copies what it takes', () => {
    const whole = split(3 * CHUNK)
    const assembler = new PayloadAssembler(whole)
    for (const { index, bytes, proof } of whole) {
      const received = bytes.slice()
      assembler.add({ index, bytes: received, proof })
      received.fill(0)
    }
    const { payload } = assembler.finish()
    expect(payload.buffer.byteLength).toBe(3 * CHUNK)
    expect(payload).toEqual(whole.payload)
  })

  it('is not swayed by a manifest that changes later', () => {
    const { root, payload } = split(CHUNK)
    const manifest = { root: root.slice(), totalBytes: CHUNK, chunkBytes: CHUNK }
    const assembler = new PayloadAssembler(manifest)
    manifest.root.fill(0)
    assembler.add({ index: 0, bytes: payload, proof: new Uint8Array() })
    expect(assembler.isComplete).toBe(true)
  })

  it('gives a payload that serves the same chunks on', () => {
    const whole = split(5 * CHUNK + 1)
    const assembler = new PayloadAssembler(whole)
    for (const chunk of [...whole].toReversed()) assembler.add(chunk)
    const again = assembler.finish()
    expect(hex(again.root)).toBe(hex(whole.root))
    expect([...again]).toEqual([...whole])
  })
})

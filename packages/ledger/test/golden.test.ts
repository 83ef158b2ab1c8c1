import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, it, onTestFinished, vi } from 'vitest'
import { HashBatch } from '../src/crypto/hash-batch.ts'
import {
  blockBytes,
  ByteWriter,
  decodeBlock,
  decodeHeader,
  decodePiece,
  decodeTransaction,
  defaultRegistry,
  encodeBlock,
  encodePiece,
  MalformedError,
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
  toHex,
  type Transaction,
} from '../src/index.ts'
import { goldenOf } from './golden-chain.ts'
import { at, readOrRefuse } from './helpers.ts'

/** Bytes that other nodes wrote and will write: a change here is another format, and has to be another version. */
const golden = JSON.parse(readFileSync(new URL('fixtures/golden.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>
const bytesOf = (name: string): Buffer => Buffer.from(golden[name] ?? '', 'hex')
const transactions = Object.keys(golden)
  .filter((name) => /^\d/.test(name))
  .map(bytesOf)

/** Writes what was read, field by field. */
function rewritten({ kind, sender, nonce, body, signature, bytes }: Transaction): string {
  const known = defaultRegistry.byName(kind)
  const writer = new ByteWriter()
    .u8(bytes[0] ?? 0)
    .u8(known?.code ?? 0)
    .fixed(sender, PUBLIC_KEY_BYTES)
  if (nonce !== undefined) writer.integer(nonce)
  known?.codec.write(body, writer)
  return toHex(writer.fixed(signature, SIGNATURE_BYTES).finish())
}

const FORMS: [name: string, samples: Buffer[], again: (bytes: Uint8Array) => string][] = [
  ['transaction', transactions, (bytes) => rewritten(decodeTransaction(bytes, defaultRegistry))],
  ['header', [bytesOf('genesis header')], (bytes) => toHex(decodeHeader(bytes).bytes)],
  ['block', [bytesOf('block')], (bytes) => toHex(encodeBlock(decodeBlock(bytes, defaultRegistry)))],
  ['piece', [bytesOf('piece')], (bytes) => toHex(encodePiece(decodePiece(bytes)))],
]

it('writes the same bytes, ids and roots as ever', () => {
  expect(goldenOf()).toEqual(golden)
})

it.each(FORMS)('reads and writes back each golden %s', (_, samples, again) => {
  for (const bytes of samples) expect(again(bytes)).toBe(toHex(bytes))
})

it.each(FORMS)('refuses every beginning of a %s, and every one with a byte more', (_, samples, again) => {
  for (const bytes of samples) {
    for (let length = 0; length < bytes.byteLength; length += Math.ceil(bytes.byteLength / 300)) {
      expect(() => again(bytes.subarray(0, length))).toThrow(MalformedError)
    }
    expect(() => again(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(MalformedError)
  }
})

/** Flips, cuts, repeats and puts in bytes. */
const mutations = fc.array(
  fc.record({
    how: fc.constantFrom('flip', 'cut', 'repeat', 'insert', 'zero', 'full'),
    where: fc.nat(),
    length: fc.integer({ min: 1, max: 12 }),
  }),
  { minLength: 1, maxLength: 3 },
)
type Mutation = typeof mutations extends fc.Arbitrary<(infer M)[]> ? M : never

function mutate(bytes: Buffer, { how, where, length }: Mutation): Buffer {
  const place = where % (bytes.byteLength + 1)
  const [head, rest] = [bytes.subarray(0, place), bytes.subarray(place + length)]
  const hit = bytes.subarray(place, place + length)
  if (how === 'cut') return Buffer.concat([head, rest])
  if (how === 'repeat') return Buffer.concat([head, hit, hit, rest])
  if (how === 'insert') return Buffer.concat([head, Buffer.alloc(length, where % 256), hit, rest])
  const filled = hit.map((byte) => (how === 'flip' ? byte ^ (1 + (where % 255)) : how === 'zero' ? 0 : 0xff))
  return Buffer.concat([head, filled, rest])
}

it.each(FORMS)('reads no bytes as a %s but its one encoding, however they were mutated', (_, samples, again) => {
  fc.assert(
    fc.property(fc.nat(samples.length - 1), mutations, (which, steps) => {
      const bytes = steps.reduce(mutate, at(samples, which))
      expect([undefined, toHex(bytes)]).toContain(readOrRefuse(() => again(bytes)))
    }),
    { numRuns: 1_500 },
  )
})

it('names what came, where, and what was expected', () => {
  const bytes = Buffer.from(at(transactions, 0))
  bytes[1] = 99
  expect(() => decodeTransaction(bytes, defaultRegistry)).toThrow(
    expect.objectContaining({
      name: 'MalformedError',
      code: 'unknown-kind',
      message: 'Malformed transaction: unknown-kind at byte 2: 99, where a kind of the registry was expected',
    }),
  )
  bytes[0] = 2
  expect(() => decodeTransaction(bytes, defaultRegistry)).toThrow(expect.objectContaining({ code: 'unknown-version' }))
})

it('refuses more than 64 KiB as a transaction, and reads a block of as many as its bytes hold', () => {
  expect(() => decodeTransaction(Buffer.alloc(65_537), defaultRegistry)).toThrow(
    expect.objectContaining({ code: 'oversize' }),
  )
  const block = decodeBlock(bytesOf('block'), defaultRegistry)
  expect(blockBytes(block.transactions)).toBe(bytesOf('block').byteLength)
  // Says that there are 2^32 - 1 transactions: nothing is taken for them beforehand.
  const lying = bytesOf('block')
  lying.writeUInt32BE(0xff_ff_ff_ff, 250)
  expect(() => decodeBlock(lying, defaultRegistry)).toThrow(expect.objectContaining({ code: 'truncated' }))
})

it('hashes nothing of a block that holds what is too short for a transaction', () => {
  const header = bytesOf('block').subarray(0, 250)
  const many = Buffer.alloc(254 + 4 * 200_000)
  many.set(header)
  many.writeUInt32BE(200_000, 250)
  const hashed = vi.spyOn(HashBatch.prototype, 'add')
  onTestFinished(() => hashed.mockRestore())
  expect(() => decodeBlock(many, defaultRegistry)).toThrow(
    expect.objectContaining({
      code: 'truncated',
      message: 'Malformed block: truncated at byte 258: 0, where a transaction of at least 98 bytes was expected',
    }),
  )
  expect(hashed).not.toHaveBeenCalled()
})

import { readFileSync } from 'node:fs'
import { ByteWriter, MalformedError, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, toHex } from '@gridmesh/ledger'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeBlock,
  decodeHeader,
  decodeTransaction,
  encodeBlock,
  makeGenesis,
  signTransaction,
  type Transaction,
} from '../src/index.ts'
import { pooled } from '../src/pool-transaction.ts'
import { ANN, at, blockUpon, GENESIS, genesisOf, operationsOf, people, signed, textOf } from './chains.ts'

/** Bytes that other nodes wrote and will write: a change here is another format, and has to be another version. */
const golden = JSON.parse(readFileSync(new URL('fixtures/golden.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>
const transaction = signed(ANN, 7, { door: 'shut', lamp: undefined })
const block = blockUpon(GENESIS.header, 3, [transaction, signed(ANN, 8, { lamp: 'on' })])
const MADE: Readonly<Record<string, Uint8Array>> = {
  'chain id': GENESIS.chainId,
  'genesis header': GENESIS.header.bytes,
  transaction: transaction.bytes,
  header: block.header.bytes,
  block: encodeBlock(block),
}

it.each(Object.entries(MADE))('writes the golden %s', (name, bytes) => {
  expect(toHex(bytes)).toBe(golden[name])
})

/** Writes what was read, field by field. */
function rewritten({ sender, nonce, operations, signature }: Transaction): string {
  const writer = new ByteWriter().u8(1).fixed(sender, PUBLIC_KEY_BYTES).integer(nonce).u16(operations.length)
  for (const operation of operations) {
    writer.u8(operation.type === 'set' ? 0 : 1).sized(operation.key)
    if (operation.type === 'set') writer.sized(operation.value)
  }
  return toHex(writer.fixed(signature, SIGNATURE_BYTES).finish())
}

/** What is read, written again; or the bytes themselves, where they are refused as they may be. */
function againOrRefused(again: (bytes: Uint8Array) => string, bytes: Uint8Array): string {
  try {
    return again(bytes)
  } catch (err) {
    if (err instanceof MalformedError) return toHex(bytes)
    throw err
  }
}

const FORMS: [name: string, again: (bytes: Uint8Array) => string][] = [
  ['transaction', (bytes) => rewritten(decodeTransaction(bytes))],
  ['header', (bytes) => toHex(decodeHeader(bytes).bytes)],
  ['block', (bytes) => toHex(encodeBlock(decodeBlock(bytes)))],
]

describe.each(FORMS)('%s', (name, again) => {
  const sample = Buffer.from(golden[name] ?? '', 'hex')

  it('reads what was written, and nothing that is shorter or longer', () => {
    expect(again(sample)).toBe(toHex(sample))
    for (let length = 0; length < sample.byteLength; length++) {
      expect(() => again(sample.subarray(0, length))).toThrow(MalformedError)
    }
    expect(() => again(Buffer.concat([sample, Buffer.alloc(1)]))).toThrow(/trailing-bytes|oversize/)
  })

  it('has one encoding for each value: changed bytes are refused, or are those of another value', () => {
    const changes = fc.array(fc.tuple(fc.nat(sample.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(changes, (edits) => {
        const bytes = Buffer.from(sample)
        for (const [index, value] of edits) bytes[index] = value
        expect(againOrRefused(again, bytes)).toBe(toHex(bytes))
      }),
      { numRuns: 500 },
    )
  })
})

const sign = (words: Record<string, string | undefined>, nonce = 0): Transaction =>
  signTransaction({ chainId: GENESIS.chainId, signer: at(people, ANN), nonce, operations: operationsOf(words) })
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`key ${i}`, 'v']))

describe('limits of a transaction', () => {
  it.each<[string, string, () => unknown]>([
    ['no operation', 'empty', () => sign({})],
    ['65 operations', 'oversize', () => sign(many(65))],
    ['an empty key', 'empty', () => sign({ '': 'v' })],
    ['a key of 65 bytes', 'oversize', () => sign({ ['k'.repeat(65)]: 'v' })],
    ['a value of 4,097 bytes', 'oversize', () => sign({ key: 'v'.repeat(4_097) })],
    [
      'a key twice',
      'not-ascending',
      () => {
        const operations = [...operationsOf({ key: 'a' }), ...operationsOf({ key: undefined })]
        signTransaction({ chainId: GENESIS.chainId, signer: at(people, ANN), nonce: 0, operations })
      },
    ],
    [
      '65,537 bytes in all',
      'oversize',
      () => sign(Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`key ${i}`, 'v'.repeat(4_000)]))),
    ],
  ])('refuses %s as %s', (_, code, make) => {
    expect(make).toThrow(expect.objectContaining({ name: 'MalformedError', code }) as Error)
  })

  it('takes 64 operations, a key of 64 bytes and a value of 4,096', () => {
    expect(sign(many(64)).operations).toHaveLength(64)
    const [operation] = sign({ ['k'.repeat(64)]: 'v'.repeat(4_096) }).operations
    expect(operation?.type === 'set' && textOf(operation.value)).toBe('v'.repeat(4_096))
    expect(sign({ key: '' }).operations).toHaveLength(1)
  })

  it('writes operations in the order of their keys, whatever the order in which they are given', () => {
    expect(toHex(sign({ b: '1', a: '2' }).bytes)).toBe(toHex(sign({ a: '2', b: '1' }).bytes))
  })

  it.each([-1, 1.5, 2 ** 53])('refuses the nonce %d', (nonce) => {
    expect(() => sign({ a: 'b' }, nonce)).toThrow(RangeError)
  })
})

it('refuses a version that is not known', () => {
  expect(() => decodeTransaction(Uint8Array.of(2, ...transaction.bytes.subarray(1)))).toThrow('unknown-version')
  expect(() => decodeHeader(Uint8Array.of(2, ...block.header.bytes.subarray(1)))).toThrow('unknown-version')
})

it('refuses a block over 1 MB, and a transaction in it over 65,536 bytes', () => {
  expect(() => decodeBlock(new Uint8Array(1_000_001))).toThrow('oversize')
  const empty = encodeBlock(blockUpon(GENESIS.header, 1))
  const one = Buffer.concat([empty.subarray(0, -4), Buffer.from([0, 0, 0, 1, 0, 1, 0, 1]), Buffer.alloc(65_537)])
  expect(() => decodeBlock(one)).toThrow('oversize')
  const large = Array.from({ length: 16 }, (_, i) =>
    sign(Object.fromEntries(Array.from({ length: 16 }, (__, j) => [`key ${j}`, 'v'.repeat(4_000)])), i),
  )
  expect(() => blockUpon(GENESIS.header, 1, large)).toThrow(RangeError)
})

describe('genesis', () => {
  const [{ publicKey: first }, { publicKey: second }] = [at(people, 0), at(people, 1)]

  it('is another chain for any other value', () => {
    const changes = [
      {},
      { name: 'other' },
      { startMs: 1 },
      { producers: [second, first] },
      { producers: [first] },
      { slotMs: 2 },
      { finalDepth: 9 },
    ]
    const ids = changes.map((change) => toHex(genesisOf(change).chainId))
    expect(new Set(ids).size).toBe(changes.length)
  })

  it.each([
    ['bytes of name is 0', { name: '' }],
    ['bytes of name is 65', { name: 'n'.repeat(65) }],
    ['startMs is -1', { startMs: -1 }],
    ['slotMs is 0', { slotMs: 0 }],
    ['slotMs is 3600001', { slotMs: 3_600_001 }],
    ['finalDepth is 0', { finalDepth: 0 }],
    ['finalDepth is 10001', { finalDepth: 10_001 }],
    ['number of producers is 0', { producers: [] }],
    ['number of producers is 65', { producers: Array.from({ length: 65 }, (_, i) => new Uint8Array(32).fill(i)) }],
    ['1 producers are there twice', { producers: [first, first] }],
    ['31 bytes', { producers: [new Uint8Array(31)] }],
  ])('refuses: %s', (message, change) => {
    expect(() => genesisOf(change)).toThrow(message)
    expect(() => genesisOf(change)).toThrow(RangeError)
  })

  it('has slots of a second and finality after 64 blocks, where nothing else is said', () => {
    const genesis = makeGenesis({ name: 'n', startMs: 0, producers: [first] })
    expect([genesis.slotMs, genesis.finalDepth]).toEqual([1_000, 64])
  })
})

it('neither makes nor reads a block of more than 4,000 operations, which a pool does not fill it with either', () => {
  const words = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`${i}`, undefined]))
  const deletes = Array.from({ length: 63 }, (_, i) => signed(ANN, i, words))
  const most = blockUpon(GENESIS.header, 3, deletes.slice(1))
  expect(decodeBlock(encodeBlock(most)).transactions).toHaveLength(62)
  expect(() => blockUpon(GENESIS.header, 3, deletes)).toThrow('at most 4000 operations, and not 4032')
  const tooMany = encodeBlock({ header: most.header, transactions: deletes })
  expect(() => decodeBlock(tooMany)).toThrow('oversize at byte 26736: 4032, where at most 4000 operations was expected')
  const { size, bytes } = pooled(at(deletes, 0))
  expect(bytes.byteLength).toBeLessThan(size)
  expect(Math.floor(1_000_000 / size) * 64).toBeLessThanOrEqual(4_000)
  const large = pooled(signed(ANN, 0, { a: 'x'.repeat(4_000) }))
  expect(large.size).toBe(large.bytes.byteLength + 4)
})

import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalBytes,
  type EnvelopeCodec,
  jsonCodec,
  nodeCryptoSigner,
  protobufCodec,
  type SignedFields,
} from '../src/index.ts'
import { ALICE, arbFields, codeOf, now } from './helpers.ts'

const CODECS: EnvelopeCodec[] = [protobufCodec(), jsonCodec()]

function fixture(name: string): Uint8Array {
  const hex = readFileSync(new URL(`fixtures/${name}.hex`, import.meta.url), 'utf8')
  return new Uint8Array(Buffer.from(hex.trim(), 'hex'))
}

const signer = nodeCryptoSigner(ALICE)
const UNSIGNED = {
  chainId: 'golden-chain',
  kind: 'energy-offer',
  lane: 'high',
  senderKey: signer.publicKey,
  sequence: 1_790_000_000_000_123n,
  timeMs: 1_790_000_000_000,
  compression: 0,
  inflatedBytes: 0,
  payload: new Uint8Array(Buffer.from('7 kWh from noon')),
} as const
const GOLDEN: SignedFields = { ...UNSIGNED, signature: new Uint8Array(now(signer.sign(canonicalBytes(UNSIGNED)))) }

describe.each(CODECS)('the $name codec', (codec) => {
  it('reads back what it writes, within the size it states', () => {
    fc.assert(
      fc.property(arbFields, (fields) => {
        const bytes = codec.encode(fields)
        expect(bytes.byteLength).toBeLessThanOrEqual(codec.maxEncodedBytes(fields.payload.byteLength))
        expect(codec.decode(bytes)).toEqual(fields)
      }),
    )
  })

  it('states a size that the longest names and numbers stay within', () => {
    const longest = {
      ...GOLDEN,
      chainId: '"'.repeat(128),
      kind: '\\'.repeat(128),
      lane: 'critical' as const,
      sequence: 2n ** 64n - 1n,
      timeMs: Number.MAX_SAFE_INTEGER,
      compression: 255,
      inflatedBytes: 2 ** 30,
      payload: new Uint8Array(1_000),
    }
    const bytes = codec.encode(longest)
    expect(bytes.byteLength).toBeLessThanOrEqual(codec.maxEncodedBytes(1_000))
    expect(codec.decode(bytes)).toEqual(longest)
  })

  it('reads and writes the golden bytes', () => {
    const bytes = fixture(`envelope-${codec.name}`)
    expect(codec.decode(bytes)).toEqual(GOLDEN)
    expect(codec.encode(codec.decode(bytes))).toEqual(bytes)
  })

  it('gives plain Uint8Arrays, not Buffers', () => {
    const decoded = codec.decode(codec.encode(GOLDEN))
    expect([codec.encode(GOLDEN), decoded.payload].map((bytes) => Buffer.isBuffer(bytes))).toEqual([false, false])
  })

  it('names a version it does not know, whatever follows', async () => {
    const bytes = codec.encode(GOLDEN)
    bytes[bytes.indexOf(codec.name === 'json' ? 0x31 : 1)] = codec.name === 'json' ? 0x32 : 2
    expect(await codeOf(() => codec.decode(bytes))).toBe('unsupported-version')
  })

  it.each([
    ['an empty kind', { kind: '' }],
    ['a kind of 129 characters', { kind: 'k'.repeat(129) }],
    ['a space in the kind', { kind: 'a b' }],
    ['an empty chain id', { chainId: '' }],
    ['a key of 31 bytes', { senderKey: new Uint8Array(31) }],
    ['a signature of 63 bytes', { signature: new Uint8Array(63) }],
    ['a length without compression', { inflatedBytes: 5 }],
    ['compression without a length', { compression: 1 }],
    ['a length above 1 GiB', { compression: 1, inflatedBytes: 2 ** 30 + 1 }],
    ['compression 256', { compression: 256, inflatedBytes: 1 }],
  ] satisfies [string, Partial<SignedFields>][])('refuses %s', async (_what, fault) => {
    expect(await codeOf(() => codec.decode(forge(codec, { ...GOLDEN, ...fault })))).toBe('malformed')
  })
})

// The JSON codec derives the peer id from the key and so cannot be made to write a bad one.
function forge(codec: EnvelopeCodec, fields: SignedFields): Uint8Array {
  if (codec.name === 'protobuf' || fields.senderKey.byteLength === 32) return codec.encode(fields)
  const text = Buffer.from(codec.encode(GOLDEN)).toString()
  const key = Buffer.from(GOLDEN.senderKey).toString('base64')
  return Buffer.from(text.replace(key, Buffer.from(fields.senderKey).toString('base64')))
}

describe('the signed bytes', () => {
  it('are the golden bytes', () => {
    expect(new Uint8Array(canonicalBytes(GOLDEN))).toEqual(fixture('signed-bytes'))
  })

  it('are the same for both codecs, so an envelope may change codec without a new signature', () => {
    fc.assert(
      fc.property(arbFields, (fields) => {
        const [first, second] = CODECS.map((codec) => canonicalBytes(codec.decode(codec.encode(fields))))
        expect(first).toEqual(second)
      }),
    )
  })

  it('differ whenever any field differs', () => {
    fc.assert(
      fc.property(arbFields, arbFields, fc.constantFrom(...fieldNames()), (fields, other, name) => {
        const changed = { ...fields, [name]: other[name] }
        const isSame = Buffer.compare(canonicalBytes(fields), canonicalBytes(changed)) === 0
        expect(isSame).toBe(valueOf(fields[name]) === valueOf(other[name]))
      }),
    )
  })

  it('do not let a byte move from one field to the next', () => {
    const before = canonicalBytes({ ...GOLDEN, chainId: 'ab', kind: 'c' })
    expect(canonicalBytes({ ...GOLDEN, chainId: 'a', kind: 'bc' })).not.toEqual(before)
  })
})

function fieldNames(): (keyof SignedFields)[] {
  return ['chainId', 'kind', 'lane', 'senderKey', 'sequence', 'timeMs', 'compression', 'inflatedBytes', 'payload']
}

function valueOf(value: SignedFields[keyof SignedFields]): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value)
}

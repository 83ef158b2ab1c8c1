import * as fc from 'fast-check'
import { generateKeyPair } from '@libp2p/crypto/keys'
import sodium from 'sodium-native'
import { expect, it } from 'vitest'
import { nodeCryptoSigner, sodiumSigner } from '../src/index.ts'
import { ALICE, BOB, now, started } from './helpers.ts'

const native = sodiumSigner(ALICE, sodium)
const node = nodeCryptoSigner(ALICE)

it('makes the signatures that node:crypto makes of the same key', () => {
  expect(native.publicKey).toEqual(node.publicKey)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
      expect(now(native.sign(message))).toEqual(new Uint8Array(now(node.sign(message))))
    }),
  )
})

it('is of the same opinion as node:crypto on signatures with any bit flipped', () => {
  const message = new Uint8Array([1, 2, 3])
  const signature = now(native.sign(message))
  for (let bit = 0; bit < signature.byteLength * 8; bit++) {
    const flipped = signature.slice()
    flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
    const opinions = [native, node].map((signer) => signer.verify(ALICE.publicKey.raw, message, flipped))
    expect(opinions).toEqual([false, false])
  }
  expect(native.verify(ALICE.publicKey.raw, message, signature)).toBe(true)
  expect(native.verify(BOB.publicKey.raw, message, signature)).toBe(false)
})

// Points of order 1, 2, 4 and 8, in each way they can be written, with and without the sign bit.
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].flatMap((hex) => {
  const point = new Uint8Array(Buffer.from(hex, 'hex'))
  const negative = point.slice()
  negative[31] = (negative[31] ?? 0) | 0x80
  return [point, negative]
})

it('refuses a key of small order, for which anybody can sign, and so does node:crypto', () => {
  // S = 1 and R = 1·B, the base point: holds for a message whose hash is a multiple of the order of the key.
  const base = Buffer.concat([Buffer.from('58', 'hex'), Buffer.alloc(31, 0x66)])
  const signature = new Uint8Array(Buffer.concat([base, Buffer.from([1]), Buffer.alloc(31)]))
  for (const key of SMALL_ORDER) {
    for (let index = 0; index < 64; index++) {
      const message = Uint8Array.of(index)
      expect([native, node].map((signer) => signer.verify(key, message, signature))).toEqual([false, false])
    }
  }
})

it('refuses a signature with the neutral point for its R, and so does node:crypto', () => {
  // By the holder of the key, with r = 0, so S = hash(R, A, message)·a (RFC 8032, 5.1.6). OpenSSL 3.0 takes it, 3.5 does not.
  const signature = new Uint8Array([
    ...Buffer.from('0100000000000000000000000000000000000000000000000000000000000000', 'hex'),
    ...Buffer.from('fdf646d060ae09366e5865fd602901d414123f066bb8f146cc98375980bcff0a', 'hex'),
  ])
  const message = new Uint8Array([1, 2, 3])
  const opinions = [native, node].map((signer) => signer.verify(ALICE.publicKey.raw, message, signature))
  expect(opinions).toEqual([false, false])
})

it('calls keys and signatures of a wrong length invalid', () => {
  const message = new Uint8Array([1])
  const signature = now(native.sign(message))
  expect(native.verify(ALICE.publicKey.raw.subarray(1), message, signature)).toBe(false)
  expect(native.verify(ALICE.publicKey.raw, message, signature.subarray(1))).toBe(false)
})

it('refuses a key of another type by name', async () => {
  const key = await generateKeyPair('secp256k1')
  expect(() => sodiumSigner(key, sodium)).toThrow(/secp256k1/)
})

it('opens what a service with the default signer sealed, and the other way round', async () => {
  const [alice, bob] = [await started({ signer: native }), await started({}, {}, BOB)]
  const message = { kind: 'k', lane: 'normal', payload: new Uint8Array([7]) } as const
  expect(now(bob.open(now(alice.seal(message)))).payload).toEqual(message.payload)
  expect(now(alice.open(now(bob.seal(message)))).payload).toEqual(message.payload)
  await Promise.all([alice.stop(), bob.stop()])
})

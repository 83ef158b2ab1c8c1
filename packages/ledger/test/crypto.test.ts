import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { nativeCrypto } from '../src/crypto/native-crypto.ts'
import { wasmCrypto } from '../src/crypto/wasm-crypto.ts'
import { addressOf, sha256, signerOf, txRoot, verifySignature } from '../src/index.ts'

const slow = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()

it('has one SHA-256 for every length, whichever library it comes from', async () => {
  const both = await Promise.all([nativeCrypto(), wasmCrypto()])
  for (const length of [0, 1, 64, 127, 128, 129, 1_000]) {
    const bytes = Buffer.alloc(length, length)
    expect(Buffer.from(sha256(bytes))).toEqual(slow(bytes))
    for (const crypto of both) {
      const target = Buffer.alloc(32)
      crypto.sha256(target, bytes)
      expect(target).toEqual(slow(bytes))
    }
  }
})

it('is of one opinion on every signature, natively and in WebAssembly', async () => {
  const [native, wasm] = await Promise.all([nativeCrypto(), wasmCrypto()])
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 80 }),
      fc.nat(800),
      (seed, message, flip) => {
        const pair = native.keyPairOf(seed)
        expect(wasm.keyPairOf(seed).publicKey).toEqual(pair.publicKey)
        const signature = native.sign(message, pair.secretKey)
        expect(wasm.sign(message, pair.secretKey)).toEqual(signature)
        const key = pair.publicKey.slice()
        const target = flip < 512 ? signature : key
        if (flip < 768)
          target[(flip >> 3) % target.length] = (target[(flip >> 3) % target.length] ?? 0) ^ (1 << (flip & 7))
        const verdicts = [native, wasm].map((crypto) => crypto.verify(key, message, signature))
        expect(verdicts).toEqual(flip < 768 ? [false, false] : [true, true])
      },
    ),
    { numRuns: 150 },
  )
})

it('refuses keys of small order, for which anybody can sign, and fields of other lengths', async () => {
  // The neutral element signs everything with itself and zero, where it is let through.
  const neutral = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
  const signature = Buffer.concat([neutral, new Uint8Array(32)])
  const claim = { publicKey: neutral, message: Buffer.from('all'), signature }
  expect(verifySignature(claim)).toBe(false)
  for (const crypto of await Promise.all([nativeCrypto(), wasmCrypto()])) {
    expect(crypto.verify(neutral, claim.message, signature)).toBe(false)
  }
  expect(verifySignature({ ...claim, publicKey: new Uint8Array(31) })).toBe(false)
  expect(verifySignature({ ...claim, signature: new Uint8Array(63) })).toBe(false)
  expect(() => signerOf(new Uint8Array(31))).toThrow(RangeError)
  expect(() => addressOf(new Uint8Array(33))).toThrow(RangeError)
})

/** MTH of RFC 6962, section 2.1, word for word. */
function slowRoot(leaves: Uint8Array[]): Buffer {
  const [first] = leaves
  if (first === undefined) return slow()
  if (leaves.length === 1) return slow(Uint8Array.of(0), first)
  let half = 1
  while (half * 2 < leaves.length) half *= 2
  return slow(Uint8Array.of(1), slowRoot(leaves.slice(0, half)), slowRoot(leaves.slice(half)))
}

it('has the transaction root of RFC 6962, whatever the number of transactions', () => {
  for (let count = 0; count <= 40; count++) {
    const ids = Array.from({ length: count }, (_, i) => slow(Buffer.of(i)))
    expect(Buffer.from(txRoot(ids))).toEqual(slowRoot(ids))
  }
})

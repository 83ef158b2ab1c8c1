import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect, it } from 'vitest'
import { nodeCryptoSigner } from '../src/index.ts'
import { ALICE, BOB, now } from './helpers.ts'

const message = new Uint8Array([1, 2, 3])

it('makes the signatures that libp2p makes of the same key', async () => {
  const signer = nodeCryptoSigner(ALICE)
  expect(signer.publicKey).toEqual(ALICE.publicKey.raw)
  expect(new Uint8Array(now(signer.sign(message)))).toEqual(new Uint8Array(await ALICE.sign(message)))
})

it('verifies for any key and only for the right one', () => {
  const signature = now(nodeCryptoSigner(BOB).sign(message))
  const alice = nodeCryptoSigner(ALICE)
  expect(alice.verify(BOB.publicKey.raw, message, signature)).toBe(true)
  expect(alice.verify(ALICE.publicKey.raw, message, signature)).toBe(false)
})

it('goes on verifying when it has forgotten a key', () => {
  const signer = nodeCryptoSigner(ALICE, { maxVerifyKeys: 1 })
  const byAlice = now(signer.sign(message))
  const byBob = now(nodeCryptoSigner(BOB).sign(message))
  for (let round = 0; round < 2; round++) {
    expect(signer.verify(ALICE.publicKey.raw, message, byAlice)).toBe(true)
    expect(signer.verify(BOB.publicKey.raw, message, byBob)).toBe(true)
  }
})

it('calls keys and signatures of a wrong length invalid', () => {
  const signer = nodeCryptoSigner(ALICE)
  const signature = now(signer.sign(message))
  expect(signer.verify(ALICE.publicKey.raw.subarray(1), message, signature)).toBe(false)
  expect(signer.verify(ALICE.publicKey.raw, message, signature.subarray(1))).toBe(false)
  expect(signer.verify(new Uint8Array(32).fill(255), message, signature)).toBe(false)
})

it('refuses a key of another type by name', async () => {
  const key = await generateKeyPair('secp256k1')
  expect(() => nodeCryptoSigner(key)).toThrow(TypeError)
  expect(() => nodeCryptoSigner(key)).toThrow(/secp256k1/)
})

it.each([0, -1, 0.5, Number.NaN])('refuses to remember %s keys, by the name of the option', (maxVerifyKeys) => {
  expect(() => nodeCryptoSigner(ALICE, { maxVerifyKeys })).toThrow(`maxVerifyKeys ${maxVerifyKeys} must be`)
})

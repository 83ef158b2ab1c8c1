import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { nodeCryptoSigner } from '../src/index.ts'
import { ALICE, now } from './helpers.ts'

const MESSAGE = new Uint8Array([1, 2, 3])

// What is chosen is chosen as the module loads.
beforeEach(() => vi.resetModules())
afterEach(() => vi.doUnmock('sodium-native'))

it('signs by libsodium where it loads', async () => {
  const sign = vi.fn<(signature: Uint8Array) => void>((signature) => void signature.fill(7))
  vi.doMock('sodium-native', () => ({ default: { crypto_sign_detached: sign } }))
  const { defaultSigner } = await import('../src/default-signer.ts')
  expect(now(defaultSigner(ALICE, 10).sign(MESSAGE))).toEqual(new Uint8Array(64).fill(7))
})

it('signs by node:crypto where libsodium does not load', async () => {
  vi.doMock('sodium-native', () => {
    throw new RangeError('no build for this platform')
  })
  const { defaultSigner } = await import('../src/default-signer.ts')
  const signer = defaultSigner(ALICE, 10)
  const signature = now(signer.sign(MESSAGE))
  expect(signature).toEqual(now(nodeCryptoSigner(ALICE).sign(MESSAGE)))
  expect(signer.verify(ALICE.publicKey.raw, MESSAGE, signature)).toBe(true)
})

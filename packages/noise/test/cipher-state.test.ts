import { describe, expect, it } from 'vitest'
import { CipherState } from '../src/cipher-state.ts'
import { MAX_NONCE } from '../src/constants.ts'
import type { NoiseCrypto } from '../src/index.ts'
import { cipherPair, native, toHex } from './helpers.ts'

/** The nonces that a cipher uses, as hex. */
function nonces(count: number, messages: number): string[] {
  const used: string[] = []
  const crypto: NoiseCrypto = { ...native, encrypt: (_target, _plaintext, nonce) => used.push(toHex(nonce)) }
  const cipher = new CipherState(crypto, new Uint8Array(32), count)
  for (let i = 0; i < messages; i++) cipher.encrypt(new Uint8Array(16), new Uint8Array(0))
  return used
}

describe('CipherState', () => {
  it('counts little-endian behind 32 bits of zeros', () => {
    expect(nonces(0, 2)).toEqual(['000000000000000000000000', '000000000100000000000000'])
  })

  it('carries into the upper 32 bits', () => {
    expect(nonces(2 ** 32 - 1, 2)).toEqual(['00000000ffffffff00000000', '000000000000000001000000'])
  })

  it('uses the nonce before the last it can count to, and refuses that one', () => {
    expect(nonces(MAX_NONCE - 1, 1)).toEqual(['00000000feffffffffff1f00'])
    const [sender, receiver] = cipherPair(native, MAX_NONCE - 1)
    const sealed = new Uint8Array(17)
    sender.encrypt(sealed, Uint8Array.of(5))
    expect(receiver.decrypt(new Uint8Array(1), sealed)).toBe(true)
    const exhausted = expect.objectContaining({ name: 'NoiseFrameError', code: 'nonce-exhausted' })
    expect(() => sender.encrypt(sealed, Uint8Array.of(5))).toThrow(exhausted)
    expect(() => receiver.decrypt(new Uint8Array(1), sealed)).toThrow(exhausted)
  })

  it('stays at its nonce where a message does not verify', () => {
    const [sender, receiver] = cipherPair()
    const sealed = new Uint8Array(17)
    sender.encrypt(sealed, Uint8Array.of(5))
    expect(receiver.decrypt(new Uint8Array(1), new Uint8Array(17))).toBe(false)
    expect(receiver.decrypt(new Uint8Array(1), sealed)).toBe(true)
  })

  it('overwrites its key, and encrypts no more', () => {
    const key = new Uint8Array(32).fill(3)
    const cipher = new CipherState(native, key)
    cipher.wipe()
    expect(key).toEqual(new Uint8Array(32))
    const wiped = expect.objectContaining({ code: 'keys-wiped' })
    expect(() => cipher.encrypt(new Uint8Array(16), new Uint8Array(0))).toThrow(wiped)
  })
})

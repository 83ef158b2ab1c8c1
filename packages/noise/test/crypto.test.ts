import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstToLoad } from '../src/default-crypto.ts'
import { hkdf } from '../src/hkdf.ts'
import { CRYPTOS, hex, native, pattern, toHex, wasm } from './helpers.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })

const broken = (): Promise<never> => Promise.reject(new TypeError('no build for this platform'))

describe('crypto', () => {
  it('gives the same bytes by either library', () => {
    const inputs = [
      bytes(32),
      bytes(32),
      bytes(12),
      fc.option(fc.uint8Array()),
      fc.uint8Array({ maxLength: 300 }),
    ] as const
    fc.assert(
      fc.property(...inputs, (a, b, nonce, ad, data) => {
        const [mine, theirs] = [native.keyPairOf(a), wasm.keyPairOf(a)]
        expect(toHex(mine.publicKey)).toBe(toHex(theirs.publicKey))
        const remote = wasm.keyPairOf(b).publicKey
        expect(toHex(native.sharedSecret(a, remote))).toBe(toHex(wasm.sharedSecret(a, remote)))
        expect(toHex(native.sha256(data))).toBe(toHex(wasm.sha256(data)))
        expect(toHex(native.hmacSha256(a, data))).toBe(toHex(wasm.hmacSha256(a, data)))
        expect(hkdf(native, a, data).map(toHex)).toEqual(hkdf(wasm, a, data).map(toHex))
        const [sealed, alike] = [new Uint8Array(data.length + 16), new Uint8Array(data.length + 16)]
        native.encrypt(sealed, data, nonce, ad, b)
        wasm.encrypt(alike, data, nonce, ad, b)
        expect(toHex(sealed)).toBe(toHex(alike))
        for (const crypto of CRYPTOS) {
          // In place.
          const moved = new Uint8Array(data.length + 16)
          moved.set(data)
          crypto.encrypt(moved, moved.subarray(0, data.length), nonce, ad, b)
          expect(toHex(moved)).toBe(toHex(sealed))
          const opened = new Uint8Array(data.length)
          expect(crypto.decrypt(opened, sealed, nonce, ad, b)).toBe(true)
          expect(toHex(opened)).toBe(toHex(data))
        }
      }),
      { numRuns: 50 },
    )
  })

  // The two first outputs of tests/handshakes/xx.spec.ts of libp2p-noise, quoted by the tests of swift-libp2p/swift-noise.
  it.each(CRYPTOS)('derives the published keys by $name', (crypto) => {
    const chainingKey = hex('4e6f6973655f58585f32353531395f58436861436861506f6c795f53484132353600'.slice(0, 64))
    const secret = hex(
      'a3eae50ea37a47e8a7aa0c7cd8e16528670536dcd538cebfd724fb68ce44f1910ad898860666227d4e8dd50d22a9a64d1c0a6f47ace092510161e9e442953da3',
    )
    expect(hkdf(crypto, chainingKey, secret).map(toHex)).toEqual([
      'cc5659adff12714982f806e2477a8d5ddd071def4c29bb38777b7e37046f6914',
      'a16ada915e551ab623f38be674bb4ef15d428ae9d80688899c9ef9b62ef208fa',
    ])
  })

  it.each(CRYPTOS)('returns false and no plaintext where a bit is flipped, by $name', (crypto) => {
    const key = new Uint8Array(32).fill(7)
    const nonce = new Uint8Array(12)
    const sealed = new Uint8Array(10 + 16)
    crypto.encrypt(sealed, new Uint8Array(10).fill(9), nonce, null, key)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = sealed.slice()
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      const opened = new Uint8Array(10)
      expect(crypto.decrypt(opened, flipped, nonce, null, key)).toBe(false)
      expect(opened).not.toContain(9)
    }
  })

  it.each(CRYPTOS)('overwrites with zeros, by $name', (crypto) => {
    const secret = new Uint8Array(32).fill(1)
    crypto.wipe(secret)
    expect(secret).toEqual(new Uint8Array(32))
  })

  it('overwrites what it needed on the way from one key to two', () => {
    const [inputs, outputs]: [Uint8Array[], Uint8Array[]] = [[], []]
    const hmacSha256 = (key: Uint8Array, data: Uint8Array): Uint8Array => {
      const output = native.hmacSha256(key, data)
      inputs.push(data)
      outputs.push(output)
      return output
    }
    const keys = hkdf({ ...native, hmacSha256 }, pattern(32), pattern(32))
    expect(outputs.slice(1)).toEqual(keys)
    const leftovers = [outputs[0], inputs[2]].map((each) => toHex(each ?? pattern(1)))
    expect(leftovers).toEqual(['00'.repeat(32), '00'.repeat(33)])
    expect(keys.map(toHex)).not.toContain('00'.repeat(32))
  })

  it.each(CRYPTOS)('makes another key pair each time, by $name', (crypto) => {
    const [a, b] = [crypto.generateKeyPair(), crypto.generateKeyPair()]
    expect(toHex(a.privateKey)).not.toBe(toHex(b.privateKey))
    expect(toHex(crypto.sharedSecret(a.privateKey, b.publicKey))).toBe(
      toHex(crypto.sharedSecret(b.privateKey, a.publicKey)),
    )
  })

  it('takes WebAssembly where the native addon does not load', async () => {
    const resolved = await firstToLoad(broken, () => Promise.resolve(wasm))
    expect(resolved.name).toBe('libsodium-wrappers')
    const first = await firstToLoad(() => Promise.resolve(native), broken)
    expect(first.name).toBe('sodium-native')
  })
})

// What one core can verify: ed25519 by libsodium and nothing else, on messages of the size that an envelope signs.
import sodium from 'sodium-native'
import { serve } from './serve.ts'

/** Signed bytes of an envelope with a payload of 128 B. */
const MESSAGE_BYTES = 280
const KEYS = 64

const publicKey = Buffer.alloc(32)
const secretKey = Buffer.alloc(64)
sodium.crypto_sign_keypair(publicKey, secretKey)
const signed = Array.from({ length: KEYS }, (_, index) => {
  const message = Buffer.alloc(MESSAGE_BYTES, index)
  const signature = Buffer.alloc(64)
  sodium.crypto_sign_detached(signature, message, secretKey)
  return { message, signature }
})

/** Verifies for about `forMs`, and returns the rate per second. */
function verify(forMs: number): number {
  const start = performance.now()
  let count = 0
  while (performance.now() - start < forMs) {
    for (const { message, signature } of signed) {
      if (!sodium.crypto_sign_verify_detached(signature, message, publicKey)) throw new TypeError('it must verify')
    }
    count += KEYS
  }
  return count / ((performance.now() - start) / 1_000)
}

serve({ verify })

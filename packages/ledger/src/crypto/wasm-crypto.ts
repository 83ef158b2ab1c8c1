import { createHash } from 'node:crypto'
import type { LedgerCrypto } from './crypto.ts'

/** libsodium compiled to WebAssembly: on every platform, and slower. */
export async function wasmCrypto(): Promise<LedgerCrypto> {
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  return {
    name: 'libsodium-wrappers',
    // libsodium-wrappers declares SHA-256, but only its sumo build of twice the size has it.
    sha256: (target, bytes) => target.set(createHash('sha256').update(bytes).digest()),
    keyPairOf(seed) {
      const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed)
      return { publicKey, secretKey: privateKey }
    },
    sign: (message, secretKey) => sodium.crypto_sign_detached(message, secretKey),
    verify: (publicKey, message, signature) => sodium.crypto_sign_verify_detached(signature, message, publicKey),
  }
}

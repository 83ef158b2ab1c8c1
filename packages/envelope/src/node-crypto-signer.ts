import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { Signer } from '@gridmesh/interfaces'
import { bytesKey } from './bytes.ts'
import { DEFAULT_MAX_VERIFY_KEYS, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './constants.ts'
import { ed25519KeyPair, type SigningKey } from './ed25519-key.ts'
import { LruMap } from './lru-map.ts'
import { hasSmallOrder } from './small-order.ts'

/** Options of `nodeCryptoSigner`. */
export interface NodeCryptoSignerInit {
  /** Imported public keys remembered; the one unused for longest is forgotten. @default 10_000 */
  maxVerifyKeys?: number
}

// DER around a raw ed25519 key (RFC 8410), up to the key itself.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Makes a synchronous signer on `node:crypto` from a libp2p Ed25519 private key. Importing a key costs as much as using
 * it, so imported keys are kept.
 *
 * @throws {TypeError} when the key is not an Ed25519 key
 */
export function nodeCryptoSigner(privateKey: SigningKey, init: NodeCryptoSignerInit = {}): Signer {
  const { seed, publicKey: ownPublicKey } = ed25519KeyPair(privateKey)
  const der = Buffer.concat([PKCS8_PREFIX, seed])
  const ownKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const keys = new LruMap<string, KeyObject>(init.maxVerifyKeys ?? DEFAULT_MAX_VERIFY_KEYS, 'maxVerifyKeys')

  return {
    publicKey: ownPublicKey,
    sign: (message) => sign(null, message, ownKey),
    verify(publicKey, message, signature) {
      if (publicKey.byteLength !== PUBLIC_KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false
      if (hasSmallOrder(publicKey) || hasSmallOrder(signature)) return false
      const key = keys.getOrMake(bytesKey(publicKey), () => importKey(publicKey))
      return verify(null, message, key, signature)
    },
  }
}

function importKey(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' })
}

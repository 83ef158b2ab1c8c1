import type { PrivateKey } from '@libp2p/interface'
import { PUBLIC_KEY_BYTES } from './constants.ts'

/** What a signer needs of a libp2p private key. */
export type SigningKey = Pick<PrivateKey, 'type' | 'raw'>

const SEED_BYTES = 32

/** The two halves of a libp2p Ed25519 private key, as copies. @throws {TypeError} when it is not one */
export function ed25519KeyPair({ type, raw }: SigningKey): { seed: Uint8Array; publicKey: Uint8Array } {
  if (type !== 'Ed25519' || raw.byteLength !== SEED_BYTES + PUBLIC_KEY_BYTES) {
    throw new TypeError(`Envelopes are signed with an Ed25519 key; got a ${type} key of ${raw.byteLength} bytes`)
  }
  // Not `slice`: that of a Buffer copies nothing.
  return { seed: new Uint8Array(raw.subarray(0, SEED_BYTES)), publicKey: new Uint8Array(raw.subarray(SEED_BYTES)) }
}

import type { Signer } from '@gridmesh/interfaces'
import type { SigningKey } from './ed25519-key.ts'
import { nodeCryptoSigner } from './node-crypto-signer.ts'
import { sodiumSigner } from './sodium-signer.ts'

/** Loaded with the package, since signing is synchronous; undefined where it is not installed or does not load. */
const sodium = await import('sodium-native').then(
  ({ default: library }) => library,
  () => undefined,
)

/**
 * The node's own key on libsodium where that is there, else on `node:crypto`: they are of one opinion on every
 * signature. `maxVerifyKeys` bounds what `node:crypto` keeps of the keys of others.
 *
 * @throws {TypeError} when the key is not an Ed25519 key
 */
export function defaultSigner(privateKey: SigningKey, maxVerifyKeys: number): Signer {
  return sodium === undefined ? nodeCryptoSigner(privateKey, { maxVerifyKeys }) : sodiumSigner(privateKey, sodium)
}

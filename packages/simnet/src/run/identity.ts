import { createPrivateKey, createPublicKey } from 'node:crypto'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Random } from '../random/random.ts'

/** Streams of random numbers of keys begin here. */
const KEY_STREAM = 0x2000_0000
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SEED_BYTES = 32

/** The key of a node, or one handed out, from the seed of the simulation: made synchronously, so that no thread decides when. */
export function identityOf(seed: number, index: number): { privateKey: PrivateKey; peerId: PeerId } {
  const secret = new Random(seed, KEY_STREAM + index).bytes(SEED_BYTES)
  const der = Buffer.concat([PKCS8_ED25519, secret])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  const publicBytes = key.export({ format: 'der', type: 'spki' }).subarray(-SEED_BYTES)
  const privateKey = privateKeyFromRaw(Buffer.concat([secret, publicBytes]))
  return { privateKey, peerId: peerIdFromPrivateKey(privateKey) }
}

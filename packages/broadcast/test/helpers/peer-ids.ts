import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'

/** One of several. @throws {RangeError} where there are fewer */
export function peerAt(peers: readonly PeerId[], index: number): PeerId {
  const id = peers[index]
  if (id === undefined) throw new RangeError('too few peers')
  return id
}

/** Fresh peer ids; destructuring gives as many as are asked for. */
export async function peerIds(count: 2): Promise<[PeerId, PeerId]>
export async function peerIds(count: number): Promise<PeerId[]>
export async function peerIds(count: number): Promise<PeerId[]> {
  return Promise.all(Array.from({ length: count }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
}

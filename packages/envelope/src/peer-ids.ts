import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { bytesKey } from './bytes.ts'
import { DEFAULT_MAX_SENDERS } from './constants.ts'
import { LruMap } from './lru-map.ts'

/** The peer ids of raw ed25519 keys, remembered, since making one costs more than the rest of opening. */
export class PeerIds {
  readonly #known: LruMap<string, PeerId>

  /** @param max Ids remembered; the one unused for longest is forgotten. */
  constructor(max: number = DEFAULT_MAX_SENDERS) {
    this.#known = new LruMap(max)
  }

  /** The peer id of a 32-byte key. */
  of(senderKey: Uint8Array): PeerId {
    return this.#known.getOrMake(bytesKey(senderKey), () => {
      // A copy, since the id outlives the envelope and must not keep its buffer alive. Not `slice`: that of a Buffer
      // copies nothing.
      return peerIdFromPublicKey(publicKeyFromRaw(new Uint8Array(senderKey)))
    })
  }
}

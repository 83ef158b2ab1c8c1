import { peerIdFromString } from '@libp2p/peer-id'
import { z } from 'zod'

/** A peer id that names an ed25519 key, as text. */
export const peerId = z.string().refine((text) => {
  try {
    return peerIdFromString(text).type === 'Ed25519'
  } catch {
    return false
  }
}, 'expected the peer id of an ed25519 key')

import { peerIdFromString } from '@libp2p/peer-id'
import { z } from 'zod'

/** A peer id that names an ed25519 key, as text: in either form, and given in the one by which peers are compared. */
export const peerId = z
  .string()
  .refine((text) => inPlainForm(text) !== undefined, 'expected the peer id of an ed25519 key')
  // No transform: the JSON schema of a list of them would lose its default.
  .overwrite((text) => inPlainForm(text) ?? text)

function inPlainForm(text: string): string | undefined {
  try {
    const id = peerIdFromString(text)
    return id.type === 'Ed25519' ? id.toString() : undefined
  } catch {
    return undefined
  }
}

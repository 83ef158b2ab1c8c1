import { MAX_CONTROL_IDS, MESSAGE_ID_BYTES } from './constants.ts'
import { encodable } from './encodable.ts'
import { TreeControl } from './pb/broadcast.ts'

/** What neighbours of a tree tell each other, as lists of message ids. */
export interface Control {
  ihave: Uint8Array[]
  graft: Uint8Array[]
  prune: Uint8Array[]
}

/** Serialises a control message. */
export function encodeControl({ ihave = [], graft = [], prune = [] }: Partial<Control>): Uint8Array {
  return TreeControl.encode({
    ihave: ihave.map(encodable),
    graft: graft.map(encodable),
    prune: prune.map(encodable),
  })
}

/** Reads a control message of a peer, `undefined` where it names no message or more than `MAX_CONTROL_IDS`. Never throws. */
export function decodeControl(bytes: Uint8Array): Control | undefined {
  // An id costs two bytes of framing; the check comes before anything is allocated.
  if (bytes.length > MAX_CONTROL_IDS * (MESSAGE_ID_BYTES + 2)) return undefined
  try {
    const { ihave, graft, prune } = TreeControl.decode(bytes)
    const ids = [...ihave, ...graft, ...prune]
    return ids.length > 0 && ids.every((id) => id.length === MESSAGE_ID_BYTES) ? { ihave, graft, prune } : undefined
  } catch {
    return undefined
  }
}

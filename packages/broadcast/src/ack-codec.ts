import { MAX_ACK_IDS, MESSAGE_ID_BYTES } from './constants.ts'
import { encodable } from './encodable.ts'
import { BroadcastAck } from './pb/broadcast.ts'

/** Serialises acknowledged ids. */
export function encodeAck(ids: Uint8Array[]): Uint8Array {
  return BroadcastAck.encode({ ids: ids.map(encodable) })
}

/** Reads the acknowledged ids of a peer, `undefined` when they are none or more than `MAX_ACK_IDS`. Never throws. */
export function decodeAck(bytes: Uint8Array): Uint8Array[] | undefined {
  // An id costs two bytes of framing; the check comes before anything is allocated.
  if (bytes.length > MAX_ACK_IDS * (MESSAGE_ID_BYTES + 2)) return undefined
  try {
    const { ids } = BroadcastAck.decode(bytes, { limits: { ids: MAX_ACK_IDS } })
    return ids.length > 0 && ids.every((id) => id.length === MESSAGE_ID_BYTES) ? ids : undefined
  } catch {
    return undefined
  }
}

import { decodeFrame, encodeFrame } from './frame.ts'
import type { ForeignEvent } from './peer.ts'

/** A message as any gossipsub hands it over. */
interface Heard {
  topic: string
  data: Uint8Array
}

/**
 * What to make of a message: who passes on what is no frame is blamed for it, and who passes on an announcement is asked
 * for chunks, which needs unicast.
 */
export function judge(data: Uint8Array): 'Accept' | 'Ignore' | 'Reject' {
  try {
    return decodeFrame(data).announced === undefined ? 'Accept' : 'Ignore'
  } catch {
    return 'Reject'
  }
}

/** What to tell of a message. */
export function heard({ topic, data }: Heard, id: string, from: unknown): ForeignEvent {
  const { lane, payload } = decodeFrame(data)
  return { event: 'message', topic, from: String(from), id, lane, payload: Buffer.from(payload).toString('base64') }
}

/** What to publish: a payload in a frame with its author, or bytes as they are. */
export function toPublish(what: { payload: string } | { bytes: string }, author: Uint8Array): Uint8Array {
  if ('bytes' in what) return Buffer.from(what.bytes, 'base64')
  return encodeFrame(Buffer.from(what.payload, 'base64'), author)
}

/** The peers in the mesh of a topic, which gossipsub has and its interface does not name. */
export function meshOf(pubsub: object, topic: string): string[] {
  if (!('getMeshPeers' in pubsub && typeof pubsub.getMeshPeers === 'function')) {
    throw new TypeError('this gossipsub does not tell its mesh')
  }
  return pubsub.getMeshPeers(topic) as string[]
}

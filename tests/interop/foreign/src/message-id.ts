import { createHash } from 'node:crypto'
import { type Announcement, CHUNK_BYTES, decodeFrame } from './frame.ts'

const ID_BYTES = 20
const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** Gossipsub's `msgIdFn`: from the topic and the payload within the frame, so that it is the same everywhere. */
export function messageId({ topic, data }: { topic: string; data: Uint8Array }): Uint8Array {
  return sha256(...nameOf(topic, data)).subarray(0, ID_BYTES)
}

/** What the id of a message is the hash of. */
function nameOf(topic: string, data: Uint8Array): (string | Uint8Array)[] {
  let frame
  try {
    frame = decodeFrame(data)
  } catch {
    // Topics never begin with a zero byte: what is no frame cannot take the id of a message.
    return ['\0', data]
  }
  const { payload, announced } = frame
  if (announced !== undefined) return [topic, '\u0001', lengthAndRoot(announced)]
  if (payload.length <= CHUNK_BYTES) return [topic, '\0', payload]
  return [topic, '\u0001', lengthAndRoot({ totalBytes: payload.length, root: rootOf(payload) })]
}

function lengthAndRoot({ totalBytes, root }: Announcement): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(totalBytes)
  return Buffer.concat([length, root])
}

/** The Merkle tree hash of RFC 6962, section 2.1, over chunks of 64 KiB. */
function rootOf(payload: Uint8Array): Uint8Array {
  if (payload.length <= CHUNK_BYTES) return sha256(LEAF, payload)
  let leftBytes = CHUNK_BYTES
  while (leftBytes * 2 < payload.length) leftBytes *= 2
  return sha256(NODE, rootOf(payload.subarray(0, leftBytes)), rootOf(payload.subarray(leftBytes)))
}

function sha256(...parts: (string | Uint8Array)[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return Uint8Array.from(hash.digest())
}

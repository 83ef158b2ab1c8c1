import { type SplitPayload, splitPayload } from '@gridmesh/chunking'
import { CHUNK_BYTES } from '../../src/constants.ts'
import { encodeFrame, type Frame } from '../../src/frame.ts'
import { manifestId, toHex } from '../../src/message-id.ts'

export const MIB = 1_024 * 1_024
const MAX_BYTES = 100 * MIB

/** Bytes of which no two chunks are alike. */
export function pattern(length: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4)).map((_, i) => Math.imul(i + seed, 2_654_435_761))
  return new Uint8Array(words.buffer, 0, length)
}

/** A payload as its author splits it, and its frame. */
export interface Announcement {
  split: SplitPayload
  id: Uint8Array
  hex: string
  frame: Uint8Array
}

/** What a peer that is no node of ours needs to announce a payload and to serve it. */
export function announce(wireTopic: string, payload: Uint8Array, parts: Partial<Frame> = {}): Announcement {
  const split = splitPayload(payload, { chunkBytes: CHUNK_BYTES, maxTotalBytes: MAX_BYTES })
  const id = manifestId(wireTopic, split)
  const frame = encodeFrame({
    lane: 'normal',
    isDirected: false,
    origin: new Uint8Array(38),
    hops: 0,
    topic: wireTopic,
    payload: new Uint8Array(),
    announced: split,
    ...parts,
  })
  return { split, id, hex: toHex(id), frame }
}

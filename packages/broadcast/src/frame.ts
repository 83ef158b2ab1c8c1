import { HASH_BYTES, type PayloadManifest } from '@gridmesh/chunking'
import { LANES, type Lane } from '@gridmesh/interfaces'
import {
  CHUNK_BYTES,
  FRAME_VERSION,
  MAX_ANNOUNCEMENT_BYTES,
  MAX_FRAME_OVERHEAD_BYTES,
  MAX_ORIGIN_BYTES,
  MIN_PULL_ABOVE_BYTES,
} from './constants.ts'
import { encodable } from './encodable.ts'
import { manifestId, messageId } from './message-id.ts'
import { BroadcastFrame } from './pb/broadcast.ts'

const LANE_MASK = 0b011
const DIRECTED = 0b100
const NO_BYTES = new Uint8Array(0)

/** What goes around a payload. */
export interface Frame {
  lane: Lane
  /** Sent to chosen peers: not to be passed on. */
  isDirected: boolean
  /** Multihash of the author's peer id, as the frame claims. */
  origin: Uint8Array
  /** How many more times a flooded frame may be passed on. */
  hops: number
  /** Topic as on the wire; empty in a frame that only gossips. */
  topic: string
  /** Empty where the payload is announced. */
  payload: Uint8Array
  /** In the place of a payload: what is to be pulled. */
  announced?: PayloadManifest
}

/** How long a payload may be. */
export interface FrameLimits {
  maxMessageBytes: number
  /** Longest payload within a frame, in bytes. */
  maxPushedBytes: number
}

/** Why bytes are no frame. */
export type FrameFault = 'malformed' | 'too-large'

/** Serialises a frame. */
export function encodeFrame(frame: Frame): Uint8Array {
  const { announced } = frame
  return BroadcastFrame.encode({
    version: FRAME_VERSION,
    flags: LANES.indexOf(frame.lane) | (frame.isDirected ? DIRECTED : 0),
    origin: encodable(frame.origin),
    hops: frame.hops,
    topic: frame.topic,
    payload: encodable(frame.payload),
    root: announced === undefined ? NO_BYTES : encodable(announced.root),
    totalBytes: announced?.totalBytes ?? 0,
    chunkBytes: announced?.chunkBytes ?? 0,
  })
}

/** Reads a frame of a peer. Never throws. */
export function decodeFrame(bytes: Uint8Array, limits: FrameLimits): Frame | FrameFault {
  const { maxMessageBytes, maxPushedBytes } = limits
  if (bytes.length > maxPushedBytes + MAX_FRAME_OVERHEAD_BYTES + MAX_ANNOUNCEMENT_BYTES) return 'too-large'
  let raw: BroadcastFrame
  try {
    raw = BroadcastFrame.decode(bytes)
  } catch {
    return 'malformed'
  }
  const { root, totalBytes, chunkBytes } = raw
  if (raw.payload.length > maxPushedBytes) return 'too-large'
  if (totalBytes > maxMessageBytes) return 'too-large'
  const isAnnounced = root.length > 0
  const content = isAnnounced ? MAX_ANNOUNCEMENT_BYTES : raw.payload.length
  const isPadded = bytes.length - content > MAX_FRAME_OVERHEAD_BYTES
  if (raw.version !== FRAME_VERSION || raw.origin.length > MAX_ORIGIN_BYTES || isPadded) return 'malformed'
  const lane = LANES[raw.flags & LANE_MASK]
  if (lane === undefined) return 'malformed'
  const { origin, hops, topic, payload } = raw
  const frame = { lane, isDirected: (raw.flags & DIRECTED) !== 0, origin, hops, topic, payload }
  const announced = { root, totalBytes, chunkBytes }
  if (isAnnounced) return payload.length === 0 && isAnnounceable(announced) ? { ...frame, announced } : 'malformed'
  return totalBytes === 0 && chunkBytes === 0 ? frame : 'malformed'
}

/** The id of the message that a frame carries or announces. */
export function frameId(wireTopic: string, { payload, announced }: Frame): Uint8Array {
  return announced === undefined ? messageId(wireTopic, payload) : manifestId(wireTopic, announced)
}

function isAnnounceable({ root, totalBytes, chunkBytes }: PayloadManifest): boolean {
  return root.length === HASH_BYTES && chunkBytes === CHUNK_BYTES && totalBytes > MIN_PULL_ABOVE_BYTES
}

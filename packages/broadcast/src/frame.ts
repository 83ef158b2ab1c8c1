import { LANES, type Lane } from '@gridmesh/interfaces'
import { FRAME_VERSION, MAX_FRAME_OVERHEAD_BYTES, MAX_ORIGIN_BYTES } from './constants.ts'
import { encodable } from './encodable.ts'
import { BroadcastFrame } from './pb/broadcast.ts'

const LANE_MASK = 0b011
const DIRECTED = 0b100

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
  payload: Uint8Array
}

/** Why bytes are no frame. */
export type FrameFault = 'malformed' | 'too-large'

/** Serialises a frame. */
export function encodeFrame(frame: Frame): Uint8Array {
  return BroadcastFrame.encode({
    version: FRAME_VERSION,
    flags: LANES.indexOf(frame.lane) | (frame.isDirected ? DIRECTED : 0),
    origin: encodable(frame.origin),
    hops: frame.hops,
    topic: frame.topic,
    payload: encodable(frame.payload),
  })
}

/** Reads a frame of a peer. Never throws. */
export function decodeFrame(bytes: Uint8Array, maxMessageBytes: number): Frame | FrameFault {
  if (bytes.length > maxMessageBytes + MAX_FRAME_OVERHEAD_BYTES) return 'too-large'
  let raw: BroadcastFrame
  try {
    raw = BroadcastFrame.decode(bytes)
  } catch {
    return 'malformed'
  }
  if (raw.payload.length > maxMessageBytes) return 'too-large'
  const isPadded = bytes.length - raw.payload.length > MAX_FRAME_OVERHEAD_BYTES
  if (raw.version !== FRAME_VERSION || raw.origin.length > MAX_ORIGIN_BYTES || isPadded) return 'malformed'
  const lane = LANES[raw.flags & LANE_MASK]
  if (lane === undefined) return 'malformed'
  const { origin, hops, topic, payload } = raw
  return { lane, isDirected: (raw.flags & DIRECTED) !== 0, origin, hops, topic, payload }
}

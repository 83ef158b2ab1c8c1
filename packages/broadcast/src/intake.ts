import type { PeerId } from '@libp2p/interface'
import { equals } from 'uint8arrays/equals'
import { MessageRefusedError } from './errors.ts'
import { decodeFrame, type Frame, frameId, type FrameLimits } from './frame.ts'
import type { Inbox } from './inbox.ts'
import type { Topics } from './topics.ts'

/** What reading frames of unicast needs. */
export interface IntakeInit extends FrameLimits {
  inbox: Inbox
  topics: Topics
}

/** A frame that says itself what it is about. */
export interface Taken {
  frame: Frame
  id: Uint8Array
  /** Without its network. */
  topic: string
}

/** Reads a frame that came over unicast, and blames the peer where it is none. @throws {MessageRefusedError} */
export function takeFrame(bytes: Uint8Array, peer: PeerId, init: IntakeInit): Taken {
  const frame = decodeFrame(bytes, init)
  if (typeof frame === 'string') return refuseFrame(frame, peer, init)
  const topic = init.topics.fromWire(frame.topic)
  if (topic === undefined) return refuseFrame(frame.topic === '' ? 'malformed' : 'wrong-network', peer, init)
  return { frame, id: frameId(frame.topic, frame), topic }
}

/** Blames the peer for bytes that are no frame of ours. @throws {MessageRefusedError} always */
export function refuseFrame(
  reason: 'malformed' | 'too-large' | 'wrong-network',
  peer: PeerId,
  { inbox }: Pick<IntakeInit, 'inbox'>,
): never {
  inbox.refuseFrame(peer, reason)
  throw new MessageRefusedError(reason)
}

/** Whether the peer is the author that the frame names. */
export function isAuthor({ origin }: Frame, peer: PeerId): boolean {
  return equals(peer.toMultihash().bytes, origin)
}

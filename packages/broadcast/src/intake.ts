import type { PeerId } from '@libp2p/interface'
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
  const refuse = (reason: 'malformed' | 'too-large' | 'wrong-network'): never => {
    init.inbox.refuseFrame(peer, reason)
    throw new MessageRefusedError(reason)
  }
  const frame = decodeFrame(bytes, init)
  if (typeof frame === 'string') return refuse(frame)
  const topic = init.topics.fromWire(frame.topic)
  if (topic === undefined) return refuse(frame.topic === '' ? 'malformed' : 'wrong-network')
  return { frame, id: frameId(frame.topic, frame), topic }
}

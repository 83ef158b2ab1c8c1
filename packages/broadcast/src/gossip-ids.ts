import type { Message } from '@libp2p/gossipsub'
import { MAX_COPIES_PER_ID, MAX_WATCHED_IDS } from './constants.ts'
import { type Frame, type FrameFault, frameId } from './frame.ts'
import type { FrameReader } from './frame-reader.ts'
import { copyId, garbageId, toHex } from './message-id.ts'

/** A gossip message, read. */
export interface GossipFrame extends Frame {
  /** Content-derived id, as bytes and hex. */
  id: { bytes: Uint8Array; hex: string }
}

/**
 * Reads gossip messages and gives gossipsub their ids.
 *
 * Gossipsub drops every further copy of an id before anybody may ask who sent it. Three sorts of copy must be looked at
 * all the same: of our own messages, since they show who has them, of messages that we did not judge because of who
 * brought them first, or a stranger could have a message ignored by being the first to send it, and of announcements,
 * since whoever announces a payload can be asked for it. Such a copy gets
 * an id of its own, so that gossipsub takes it for new and asks our validator. Gossipsub must not pass it on under
 * that id, though: a peer that asks for it by this id would get a message with another one, and blame us.
 */
export class GossipIds {
  readonly #reader: FrameReader
  // Gossipsub asks for the id first and for the verdict next, with the same object.
  readonly #frames = new WeakMap<Message, GossipFrame | FrameFault>()
  readonly #copies = new WeakSet<Message>()
  readonly #copiesSeen = new Map<string, number>()
  readonly #publishing = new Set<string>()

  constructor(reader: FrameReader) {
    this.#reader = reader
  }

  /** The frame in a gossip message, read once. */
  read(msg: Message): GossipFrame | FrameFault {
    const read = this.#frames.get(msg) ?? this.#read(msg)
    this.#frames.set(msg, read)
    return read
  }

  /** Gossipsub's `msgIdFn`. */
  idOf(msg: Message): Uint8Array {
    const frame = this.read(msg)
    if (typeof frame === 'string') return garbageId(msg.data)
    const { bytes, hex } = frame.id
    const copies = this.#copiesSeen.get(hex)
    // The limit keeps copies sent over and over from growing gossipsub's own cache.
    if (copies === undefined || copies >= MAX_COPIES_PER_ID || this.#publishing.has(hex)) return bytes
    this.#copiesSeen.set(hex, copies + 1)
    this.#copies.add(msg)
    return copyId(hex, copies)
  }

  /** Whether gossipsub knows this message under an id that is not its own. */
  isCopy(msg: Message): boolean {
    return this.#copies.has(msg)
  }

  /** Looks at further copies of a message. */
  watch(id: string): void {
    if (this.#copiesSeen.has(id)) return
    for (const oldest of this.#copiesSeen.keys()) {
      if (this.#copiesSeen.size < MAX_WATCHED_IDS) break
      this.#copiesSeen.delete(oldest)
    }
    this.#copiesSeen.set(id, 0)
  }

  unwatch(id: string): void {
    this.#copiesSeen.delete(id)
  }

  /** Runs a publish of our own, which is no copy. */
  async publishing<T>(id: string, publish: () => Promise<T>): Promise<T> {
    this.#publishing.add(id)
    try {
      return await publish()
    } finally {
      this.#publishing.delete(id)
    }
  }

  clear(): void {
    this.#copiesSeen.clear()
  }

  #read(msg: Message): GossipFrame | FrameFault {
    const frame = this.#reader.read(msg.data)
    if (typeof frame === 'string') return frame
    // A frame that names another topic would have its id counted on the wrong one.
    if (frame.topic !== '' && frame.topic !== msg.topic) return 'malformed'
    const bytes = frameId(msg.topic, frame)
    return { ...frame, id: { bytes, hex: toHex(bytes) } }
  }
}

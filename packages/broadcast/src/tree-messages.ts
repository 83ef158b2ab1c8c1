import { LRUCache } from 'lru-cache'
import type { Lane } from '@gridmesh/interfaces'
import { MAX_GRAFTS_PER_MESSAGE, MAX_HOLDERS, MAX_RECENT_IDS, TREE_ENTRY_BYTES } from './constants.ts'

/** A message that came, or went, by the tree of its topic. */
export interface TreeMessage {
  readonly id: Uint8Array
  readonly wireTopic: string
  readonly lane: Lane
  /** The frame, as it is sent on. */
  readonly bytes: Uint8Array
  /** Its payload is to be pulled from who sends it. */
  readonly isAnnouncement: boolean
  /** Multihash of the author, as the frame claims, in hex. */
  readonly origin: string
  /** Who brought it first; `undefined` where we wrote it. */
  first: string | undefined
  /** Whether who brought it first was refused, so that whoever is taken next is the first. */
  isFirstRefused: boolean
  /** Peers that are known to have it. */
  readonly holders: Set<string>
  /** Whether it may be sent on. */
  isAccepted: boolean
  /** When it was accepted, on the clock of `performance.now`. */
  atMs: number
  /** How often it was sent to a peer that asked for it. */
  readonly grafts: Map<string, number>
}

/** The messages that neighbours may ask for, by id, bounded in bytes and time. */
export class TreeMessages {
  readonly #entries: LRUCache<string, TreeMessage>
  /**
   * Those that are being judged, as many as may be judged at once. They take nobody's place until they are accepted, or
   * who is refused could have all others forgotten.
   */
  readonly #pending = new Map<string, TreeMessage>()

  constructor(maxBytes: number, lifetimeMs: number) {
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => bytes.length + TREE_ENTRY_BYTES,
      // A whole number, and no Infinity, is what the cache takes.
      ttl: Math.min(Math.ceil(lifetimeMs), Number.MAX_SAFE_INTEGER),
      ttlResolution: 0,
      // The clock of this moment: the cache would keep the one that it found when it was loaded.
      perf: { now: () => performance.now() },
    })
  }

  get(id: string): TreeMessage | undefined {
    // Not a use: they stay in the order in which they came.
    return this.#entries.peek(id) ?? this.#pending.get(id)
  }

  /** Those of one topic that were accepted in the last `ms`, the latest first. */
  recent(wireTopic: string, ms: number): TreeMessage[] {
    const sinceMs = performance.now() - ms
    const found: TreeMessage[] = []
    for (const message of this.#entries.values()) {
      if (message.atMs < sinceMs || found.length >= MAX_RECENT_IDS) break
      if (message.isAccepted && message.wireTopic === wireTopic) found.push(message)
    }
    return found
  }

  /** Remembers a message while it is judged. */
  hold(id: string, message: TreeMessage): void {
    this.#pending.set(id, message)
  }

  /** Keeps a message, from now on for its whole lifetime. */
  add(id: string, message: TreeMessage): void {
    this.#pending.delete(id)
    message.atMs = performance.now()
    this.#entries.set(id, message)
  }

  /** Keeps a message that was accepted, unless it is kept already, and not only announced. */
  keep(id: string, message: TreeMessage): void {
    const kept = this.#entries.peek(id)
    if (kept === undefined || (isOnlyAnnounced(kept) && !message.isAnnouncement)) this.add(id, message)
    else this.#pending.delete(id)
  }

  /** Forgets this very message if it was being judged, and not what has taken its place since. */
  release(id: string, message: TreeMessage): void {
    if (this.#pending.get(id) === message) this.#pending.delete(id)
  }

  clear(): void {
    this.#pending.clear()
    this.#entries.clear()
  }
}

/** Whether there are no bytes of a message to be sent on: they were to be pulled, and have not come, or are not kept. */
export function isOnlyAnnounced({ isAnnouncement, isAccepted }: TreeMessage): boolean {
  return isAnnouncement && !isAccepted
}

/** A peer says that it has a message. Beyond `MAX_HOLDERS` that is not remembered: to say so costs nothing. */
export function noteHolder({ holders }: TreeMessage, peer: string): void {
  if (holders.size < MAX_HOLDERS) holders.add(peer)
}

/** Whether `peer` may be sent a message that it asks for. Counts that it is. */
export function takeGraft(message: TreeMessage, peer: string): boolean {
  const count = message.grafts.get(peer) ?? 0
  if (!message.isAccepted || message.holders.has(peer) || count >= MAX_GRAFTS_PER_MESSAGE) return false
  message.grafts.set(peer, count + 1)
  return true
}

import type { PeerId } from '@libp2p/interface'
import type { TrackedPeer } from './tracked-peer.ts'

/** The tracked peers, at most so many. */
export class PeerBook {
  readonly #peers = new Map<string, TrackedPeer>()
  readonly #max: number
  readonly #make: (peer: PeerId) => TrackedPeer

  constructor(max: number, make: (peer: PeerId) => TrackedPeer) {
    this.#max = max
    this.#make = make
  }

  get size(): number {
    return this.#peers.size
  }

  values(): IterableIterator<TrackedPeer> {
    return this.#peers.values()
  }

  get(peer: PeerId): TrackedPeer | undefined {
    return this.#peers.get(peer.toString())
  }

  /** The tracked peer, new if need be; `undefined` where the book is full of peers that are not to be forgotten. */
  ensure(peer: PeerId): TrackedPeer | undefined {
    const known = this.get(peer)
    if (known !== undefined) return known
    if (this.#peers.size >= this.#max && !this.#makeRoom()) return undefined
    const made = this.#make(peer)
    this.#peers.set(made.key, made)
    return made
  }

  forget(peer: TrackedPeer): void {
    this.#peers.delete(peer.key)
  }

  clear(): void {
    this.#peers.clear()
  }

  /** The peer to try now, if any: important ones first, then whoever has been due for longest. */
  nextDue(now: number, isBusy: (peer: TrackedPeer) => boolean): TrackedPeer | undefined {
    let best: TrackedPeer | undefined
    for (const peer of this.#peers.values()) {
      if (peer.dueAt <= now && !isBusy(peer) && (best === undefined || precedes(peer, best))) best = peer
    }
    return best
  }

  /** When somebody who is not due yet will be; `Infinity` where nobody waits. */
  nextDueAt(now: number): number {
    let at = Infinity
    for (const { dueAt } of this.#peers.values()) if (dueAt > now && dueAt < at) at = dueAt
    return at
  }

  // A random one: with any rule, a flood of peers could choose who is forgotten.
  #makeRoom(): boolean {
    const spare = [...this.#peers.values()].filter(({ isImportant, status }) => !isImportant && status === 'waiting')
    const victim = spare[Math.floor(Math.random() * spare.length)]
    return victim !== undefined && this.#peers.delete(victim.key)
  }
}

function precedes(a: TrackedPeer, b: TrackedPeer): boolean {
  return a.isImportant === b.isImportant ? a.dueAt < b.dueAt : a.isImportant
}

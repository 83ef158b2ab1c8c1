import type { PeerId } from '@libp2p/interface'

/** Time between two rounds, in ms. */
const GAP_MS = 1_000
/** Sends in a row that may fail before a peer has to wait for the next change. */
const MAX_TRIES = 5

/** Whom a status goes to, and how. */
export interface StatusTellerParts {
  /** The peers that a change is told to. */
  peers(): readonly PeerId[]
  /** Sends what our status is now. */
  send(peer: PeerId, signal: AbortSignal): Promise<void>
}

/**
 * Says when our status goes out: to a new peer at once, and to all after a change, but not again within a second. Who
 * could not be told is told with the next round.
 */
export class StatusTeller {
  readonly #parts: StatusTellerParts
  /** Peers that have to be told, with the tries that failed. */
  readonly #due = new Map<string, { peer: PeerId; tries: number }>()
  #controller = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #lastAtMs = -Infinity

  constructor(parts: StatusTellerParts) {
    this.#parts = parts
  }

  /** Our status is another one. */
  changed(): void {
    for (const peer of this.#parts.peers()) this.#due.set(peer.toString(), { peer, tries: 0 })
    this.#arm()
  }

  /** A peer has to be told, which was told nothing yet. */
  add(peer: PeerId): void {
    this.#tell(peer, 0)
  }

  forget(peer: PeerId): void {
    this.#due.delete(peer.toString())
  }

  /** Tells nobody any more. No timer is left. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#due.clear()
    this.#controller.abort()
    this.#controller = new AbortController()
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#due.size === 0) return
    this.#timer = setTimeout(() => this.#round(), Math.max(this.#lastAtMs + GAP_MS - performance.now(), 0))
  }

  #round(): void {
    this.#timer = undefined
    this.#lastAtMs = performance.now()
    const due = [...this.#due.values()]
    this.#due.clear()
    for (const { peer, tries } of due) this.#tell(peer, tries)
  }

  #tell(peer: PeerId, tries: number): void {
    const { signal } = this.#controller
    this.#parts.send(peer, signal).catch(() => {
      if (signal.aborted || tries + 1 >= MAX_TRIES || this.#due.has(peer.toString())) return
      if (!this.#parts.peers().some((other) => other.equals(peer))) return
      this.#due.set(peer.toString(), { peer, tries: tries + 1 })
      this.#arm()
    })
  }
}

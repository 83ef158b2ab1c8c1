/** Notices how long peers have been silent, from the messages counted of each. */
export class IdleWatch {
  readonly #seen = new Map<string, { messages: number; sinceMs: number }>()

  /** Notes the messages of a peer so far. Returns for how long there was no new one, at most since `openedAtMs`. */
  note(key: string, messages: number, openedAtMs: number, nowMs: number): number {
    const known = this.#seen.get(key)
    if (known?.messages === messages) return nowMs - Math.max(known.sinceMs, openedAtMs)
    // The first look cannot tell when the messages came, so the connection itself counts as one.
    const sinceMs = known === undefined ? openedAtMs : nowMs
    this.#seen.set(key, { messages, sinceMs })
    return nowMs - sinceMs
  }

  /** Forgets all peers but these. */
  retain(isHeld: (key: string) => boolean): void {
    for (const key of this.#seen.keys()) if (!isHeld(key)) this.#seen.delete(key)
  }

  clear(): void {
    this.#seen.clear()
  }
}

/** A peer, and for how long it has been silent. */
export interface SilentPeer {
  readonly key: string
  readonly idleMs: number
}

/** Those that have been silent for `idleTimeoutMs`, the longest first, as many as leaves `minPeers` of all `peers`. */
export function pickIdle<P extends SilentPeer>(
  silent: readonly P[],
  peers: number,
  limits: { readonly idleTimeoutMs: number; readonly minPeers: number },
): P[] {
  return silent
    .filter(({ idleMs }) => idleMs >= limits.idleTimeoutMs)
    .toSorted((a, b) => b.idleMs - a.idleMs || (a.key < b.key ? -1 : 1))
    .slice(0, Math.max(0, peers - limits.minPeers))
}

interface Look {
  readonly messages: number
  readonly sinceMs: number
}

/** Notices since when peers have been silent, from the messages counted of each. */
export class IdleWatch {
  readonly #seen = new Map<string, Look>()

  /** Looks at the messages of a peer so far. */
  look(key: string, messages: number, openedAtMs: number, nowMs: number): void {
    const known = this.#seen.get(key)
    if (known?.messages === messages && known.sinceMs >= openedAtMs) return
    // The first look cannot tell when the messages came, so the connection itself counts as one.
    const isNews = known !== undefined && known.messages !== messages
    this.#seen.set(key, { messages, sinceMs: isNews ? nowMs : openedAtMs })
  }

  /** Since when there was no message; `undefined` where nobody looked, or there are more than the last look found. */
  silentSinceMs(key: string, messages: number): number | undefined {
    const known = this.#seen.get(key)
    return known?.messages === messages ? known.sinceMs : undefined
  }

  /** Forgets all peers but these. */
  retain(isHeld: (key: string) => boolean): void {
    for (const key of this.#seen.keys()) if (!isHeld(key)) this.#seen.delete(key)
  }
}

import type { PeerId } from '@libp2p/interface'

/** Remembers which ready peers were waited for in vain, topic by topic, so that each costs one wait and no more. */
export class Newcomers {
  readonly #givenUp = new Map<string, Set<string>>()

  /** Ready peers that cannot be reached on `topic`, and may yet. */
  of(topic: string, ready: readonly PeerId[], reachable: ReadonlySet<string>): string[] {
    const givenUp = this.#givenUp.get(topic)
    return ready.map(String).filter((peer) => !reachable.has(peer) && givenUp?.has(peer) !== true)
  }

  /** Waits no more for those that cannot be reached now. Who has left since is forgotten, and new when it is back. */
  giveUp(topic: string, ready: readonly PeerId[], reachable: ReadonlySet<string>): void {
    this.#givenUp.set(topic, new Set(ready.map(String).filter((peer) => !reachable.has(peer))))
  }

  clear(): void {
    this.#givenUp.clear()
  }
}

/** A peer that went without a goodbye. */
interface Loss {
  readonly atMs: number
  /** How long it was ready, at most as long as any is expected. */
  readonly readyMs: number
}

/**
 * Peers that were lost without a goodbye and are expected back for a while. Of somebody who comes with one id after the
 * other each is lost, and hundreds of them are no loss. So only as many are expected as places stand empty, each peer
 * that comes filling one; and beyond these who was ready for longer than it has been gone, of which a place that
 * strangers share can bring few.
 */
export class LostPeers {
  readonly #expectedForMs: number
  readonly #maxPeers: number
  /** Since when each is ready. */
  readonly #ready = new Map<string, number>()
  /** The longest ago first. */
  readonly #losses = new Map<string, Loss>()
  #emptyPlaces = 0

  constructor(expectedForMs: number, maxPeers: number) {
    this.#expectedForMs = expectedForMs
    this.#maxPeers = maxPeers
  }

  /** A peer is ready. One that is back keeps what is left of the time that it was waited for. */
  meet(key: string, nowMs: number): void {
    if (this.#ready.has(key)) return
    this.#ready.set(key, nowMs - remainingMs(this.#losses.get(key), nowMs))
    this.#losses.delete(key)
    this.#emptyPlaces = Math.max(0, this.#emptyPlaces - 1)
  }

  /** A ready peer went that was not to go. Beyond the limit the one that was ready the shortest is forgotten. */
  lose(key: string, nowMs: number): void {
    const sinceMs = this.#ready.get(key)
    if (sinceMs === undefined) return
    this.#ready.delete(key)
    this.#losses.set(key, { atMs: nowMs, readyMs: Math.min(nowMs - sinceMs, this.#expectedForMs) })
    this.#emptyPlaces += 1
    if (this.#losses.size > this.#maxPeers) this.#losses.delete(shortestOf(this.#losses))
  }

  /** A peer took its leave. One that was lost before is still waited for. */
  leave(key: string): void {
    this.#ready.delete(key)
  }

  /** Nobody waits for the peer any more. */
  forget(key: string): void {
    this.#ready.delete(key)
    this.#losses.delete(key)
  }

  clear(): void {
    this.#ready.clear()
    this.#losses.clear()
    this.#emptyPlaces = 0
  }

  /** Who is still expected. */
  keys(nowMs: number): string[] {
    for (const [key, { atMs }] of this.#losses) {
      if (nowMs - atMs < this.#expectedForMs) break
      this.#losses.delete(key)
    }
    this.#emptyPlaces = Math.min(this.#emptyPlaces, this.#losses.size)
    const losses = byReadyTime([...this.#losses])
    const waitedFor = losses.filter(([, loss]) => remainingMs(loss, nowMs) > 0)
    const others = losses.filter(([, loss]) => remainingMs(loss, nowMs) === 0)
    const missing = Math.max(0, this.#emptyPlaces - waitedFor.length)
    return [...waitedFor, ...others.slice(0, missing)].map(([key]) => key)
  }
}

/** For how long a peer is still waited for whoever has come in its place. */
function remainingMs(loss: Loss | undefined, nowMs: number): number {
  return loss === undefined ? 0 : Math.max(0, loss.atMs + loss.readyMs - nowMs)
}

function shortestOf(losses: Iterable<[string, Loss]>): string {
  let shortest = { key: '', readyMs: Infinity }
  for (const [key, { readyMs }] of losses) if (readyMs < shortest.readyMs) shortest = { key, readyMs }
  return shortest.key
}

/** Those that were ready the longest first. */
function byReadyTime(losses: [string, Loss][]): [string, Loss][] {
  return losses.toSorted(([, a], [, b]) => b.readyMs - a.readyMs)
}

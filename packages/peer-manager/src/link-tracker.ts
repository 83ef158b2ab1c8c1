import type { LinkCount } from './transitions.ts'

/** What of a connection is looked at here. */
export interface Link {
  readonly id: string
  readonly status: string
}

/** Which connections are open to whom, and which of them had a goodbye. Bounded by the connections libp2p keeps. */
export class LinkTracker<L extends Link> {
  readonly #links = new Map<string, Map<string, { link: L; isDraining: boolean }>>()

  /** Notes an open connection. One that is noted already, or no longer open, changes nothing. */
  open(key: string, link: L): void {
    const links = this.#links.get(key) ?? new Map<string, { link: L; isDraining: boolean }>()
    // A remote may close before the news of opening reaches us: the close was, or will be, for nobody.
    if (link.status !== 'open' || links.has(link.id)) return
    links.set(link.id, { link, isDraining: false })
    this.#links.set(key, links)
  }

  /** Notes a closed connection. One that was never noted changes nothing. */
  close(key: string, id: string): void {
    const links = this.#links.get(key)
    if (links?.delete(id) === true && links.size === 0) this.#links.delete(key)
  }

  /** Notes a goodbye on every connection that is open now. */
  drain(key: string): void {
    for (const entry of this.#links.get(key)?.values() ?? []) entry.isDraining = true
  }

  count(key: string): LinkCount {
    const entries = [...(this.#links.get(key)?.values() ?? [])]
    return { total: entries.length, fresh: entries.filter(({ isDraining }) => !isDraining).length }
  }

  /** The connection that has been open the longest. */
  oldest(key: string): L | undefined {
    return this.#links.get(key)?.values().next().value?.link
  }

  /** Brings the view of one peer in line with the connections that libp2p lists. */
  sync(key: string, listed: readonly L[]): void {
    const ids = new Set(listed.map(({ id }) => id))
    for (const { link } of this.#links.get(key)?.values() ?? []) {
      if (!ids.has(link.id) && link.status !== 'open') this.close(key, link.id)
    }
    for (const link of listed) this.open(key, link)
  }

  /** Peers with an open connection. */
  keys(): string[] {
    return [...this.#links.keys()]
  }

  clear(): void {
    this.#links.clear()
  }
}

import type { Hello, PeerStatus, Reason } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'

/** What is known of a ready peer. */
export interface ReadyPeer<L> {
  readonly peer: PeerId
  readonly hello: Hello
  readonly version: number
  readonly capabilities: readonly string[]
  readonly links: ReadonlySet<L>
  /** Why the peer parted from the last link that it said goodbye on, while it kept others. */
  readonly lastWords?: Reason
  /** Why the peer, or we, are about to part. */
  readonly parting?: { reason: Reason; by: 'us' | 'them' }
}

/** The peers that at least one link agreed with. What the newest agreement said holds for all links of a peer. */
export class ReadyPeers<L extends object> {
  readonly #peers = new Map<string, ReadyPeer<L>>()

  get size(): number {
    return this.#peers.size
  }

  values(): ReadyPeer<L>[] {
    return [...this.#peers.values()]
  }

  get(peer: PeerId): ReadyPeer<L> | undefined {
    return this.#peers.get(peer.toString())
  }

  /** Adds a link that agreed. Returns whether the peer had an earlier one. */
  add(peer: PeerId, link: L, agreed: Pick<ReadyPeer<L>, 'hello' | 'version' | 'capabilities'>): boolean {
    const known = this.get(peer)
    const { hello, version, capabilities } = agreed
    const links = new Set(known?.links).add(link)
    this.#peers.set(peer.toString(), { peer, hello, version, capabilities, links })
    return known != null
  }

  /** Removes a link. Returns whether that was the last one of a peer. */
  remove(peer: PeerId, link: L): boolean {
    const known = this.get(peer)
    if (known == null || !known.links.has(link)) return false
    const links = new Set(known.links)
    links.delete(link)
    if (links.size > 0) this.#peers.set(peer.toString(), { ...known, links })
    else this.#peers.delete(peer.toString())
    return links.size === 0
  }

  /** Takes away a link that the peer said goodbye on. Returns whether others are left to it. */
  retire(peer: PeerId, link: L, lastWords: Reason): boolean {
    const known = this.get(peer)
    if (known == null || !known.links.has(link) || known.links.size === 1) return false
    const links = new Set(known.links)
    links.delete(link)
    this.#peers.set(peer.toString(), { ...known, links, lastWords })
    return true
  }

  /** Forgets a peer with all its links. */
  forget(peer: PeerId): void {
    this.#peers.delete(peer.toString())
  }

  /** Takes in a new status. Returns the peer as it is then, or `undefined` for one that is not ready. */
  update(peer: PeerId, status: PeerStatus): ReadyPeer<L> | undefined {
    const known = this.get(peer)
    if (known == null) return undefined
    const updated = { ...known, hello: { ...known.hello, height: status.height, tipHash: status.tipHash } }
    this.#peers.set(peer.toString(), updated)
    return updated
  }

  /** Marks a peer as parting. Returns whether it was ready and not parting before. */
  part(peer: PeerId, reason: Reason, by: 'us' | 'them'): boolean {
    const known = this.get(peer)
    if (known == null || known.parting != null) return false
    this.#peers.set(peer.toString(), { ...known, parting: { reason, by } })
    return true
  }
}

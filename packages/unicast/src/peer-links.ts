import type { Lane } from '@gridmesh/interfaces'
import type { PeerId, Stream } from '@libp2p/interface'
import type { Core } from './core.ts'
import { LinkLostError } from './errors.ts'
import type { LaneBudgets } from './node-budgets.ts'
import { OutboundSession } from './outbound-session.ts'
import { PeerLink } from './peer-link.ts'

/** The links to all peers with whom something is open, or of whom something is held. */
export class PeerLinks {
  readonly #core: Core
  readonly #budgets: LaneBudgets
  readonly #open: (peer: PeerId, lane: Lane) => Promise<Stream>
  readonly #links = new Map<string, PeerLink>()

  /** `open` gives a new stream. */
  constructor(core: Core, budgets: LaneBudgets, open: (peer: PeerId, lane: Lane) => Promise<Stream>) {
    this.#core = core
    this.#budgets = budgets
    this.#open = open
  }

  find(peer: PeerId): PeerLink | undefined {
    return this.#links.get(peer.toString())
  }

  /** The link to a peer, made where there is none. */
  of(peer: PeerId): PeerLink {
    let link = this.find(peer)
    if (link == null) {
      link = new PeerLink(peer, this.#core.limits, this.#budgets, () => this.#core.siblings.peerManager)
      this.#links.set(link.key, link)
    }
    return link
  }

  /** Where a peer is asked in a lane, made where that is not yet. */
  session(peer: PeerId, lane: Lane): OutboundSession {
    const link = this.of(peer)
    let session = link.outbound.get(lane)
    if (session == null) {
      const open = (): Promise<Stream> => this.#open(peer, lane)
      const onIdle = (): void => {
        if (session?.isIdle !== true) return
        if (link.outbound.get(lane) === session) link.outbound.delete(lane)
        this.forget(link)
      }
      session = new OutboundSession(this.#core, link, lane, open, onIdle)
      link.outbound.set(lane, session)
    }
    return session
  }

  /** Forgets a link, unless something is open or held. */
  forget(link: PeerLink): void {
    if (link.isIdle && this.#links.get(link.key) === link) this.#links.delete(link.key)
  }

  /** A peer has a newer connection: the older ones of one that comes again may be dead. */
  renew(peer: PeerId): void {
    for (const session of this.find(peer)?.outbound.values() ?? []) session.renew()
  }

  /** A peer has no connection any more. */
  lose(peer: PeerId): void {
    const link = this.find(peer)
    if (link == null) return
    link.abort(new LinkLostError())
    this.forget(link)
  }

  /** Ends every stream and call at once, and forgets all links. */
  abort(error: Error): void {
    for (const link of this.#links.values()) link.abort(error)
    this.#links.clear()
  }
}

import type {
  Connection,
  IdentifyResult,
  Libp2pEvents,
  Logger,
  Peer,
  PeerId,
  PeerInfo,
  PeerUpdate,
  TypedEventTarget,
} from '@libp2p/interface'

/** What is done with the news from libp2p. */
export interface FeedHandlers {
  onOpen(connection: Connection): void
  onClose(connection: Connection): void
  /** libp2p counts the peer as connected, or no longer; the connections themselves say what is true. */
  onPresence(peer: PeerId): void
  /** A connected peer told its addresses. */
  onIdentify(peer: PeerId, addresses: string[]): void
  /** A peer was heard of. */
  onDiscovery(peer: PeerId, addresses: string[]): void
  /** What libp2p has stored of a peer is new, or other than before. */
  onStored(peer: Peer): void
}

type Bus = TypedEventTarget<Libp2pEvents>

/** Listens to libp2p's events. A listener that throws would end the process, so what its handlers throw is logged. */
export class Libp2pFeed {
  readonly #bus: Bus
  readonly #self: PeerId
  readonly #handlers: FeedHandlers
  readonly #log: Logger

  constructor(bus: Bus, self: PeerId, log: Logger, handlers: FeedHandlers) {
    this.#bus = bus
    this.#self = self
    this.#log = log
    this.#handlers = handlers
  }

  start(): void {
    this.#bus.addEventListener('connection:open', this.#onOpen)
    this.#bus.addEventListener('connection:close', this.#onClose)
    this.#bus.addEventListener('peer:connect', this.#onPresence)
    this.#bus.addEventListener('peer:disconnect', this.#onPresence)
    this.#bus.addEventListener('peer:identify', this.#onIdentify)
    this.#bus.addEventListener('peer:discovery', this.#onDiscovery)
    this.#bus.addEventListener('peer:update', this.#onUpdate)
  }

  stop(): void {
    this.#bus.removeEventListener('connection:open', this.#onOpen)
    this.#bus.removeEventListener('connection:close', this.#onClose)
    this.#bus.removeEventListener('peer:connect', this.#onPresence)
    this.#bus.removeEventListener('peer:disconnect', this.#onPresence)
    this.#bus.removeEventListener('peer:identify', this.#onIdentify)
    this.#bus.removeEventListener('peer:discovery', this.#onDiscovery)
    this.#bus.removeEventListener('peer:update', this.#onUpdate)
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    this.#guard(detail.remotePeer, () => this.#handlers.onOpen(detail))
  }

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => {
    this.#guard(detail.remotePeer, () => this.#handlers.onClose(detail))
  }

  readonly #onPresence = ({ detail }: CustomEvent<PeerId>): void => {
    this.#guard(detail, () => this.#handlers.onPresence(detail))
  }

  readonly #onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    this.#guard(detail.peerId, () => {
      const addresses = detail.signedPeerRecord?.addresses ?? detail.listenAddrs
      this.#handlers.onIdentify(detail.peerId, addresses.map(String))
    })
  }

  readonly #onDiscovery = ({ detail }: CustomEvent<PeerInfo>): void => {
    this.#guard(detail.id, () => this.#handlers.onDiscovery(detail.id, detail.multiaddrs.map(String)))
  }

  readonly #onUpdate = ({ detail: { peer } }: CustomEvent<PeerUpdate>): void => {
    this.#guard(peer.id, () => this.#handlers.onStored(peer))
  }

  #guard(peer: PeerId, handle: () => void): void {
    try {
      if (!peer.equals(this.#self)) handle()
    } catch (err) {
      this.#log.error('could not take an event of %p - %e', peer, err)
    }
  }
}

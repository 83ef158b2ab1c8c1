import { optional, type PeerManager, type PeerReported, type PeerStateChange } from '@gridmesh/interfaces'
import type { Connection, Libp2pEvents, Logger, PeerId, TypedEventTarget } from '@libp2p/interface'

/** Where news comes from. */
export interface FeedComponents {
  events: TypedEventTarget<Libp2pEvents>
  peerManager?: PeerManager
}

/** What is done with the news. */
export interface FeedHandlers {
  onOpen(connection: Connection): void
  onClose(connection: Connection): void
  /** A peer has said who it is. */
  onReady(peer: PeerId): void
  /** A peer brought something new and valid. */
  onUseful(peer: PeerId): void
}

/** Listens to libp2p and the peer manager. A listener that throws would end the process, so what it throws is logged. */
export class Feed {
  readonly #components: FeedComponents
  readonly #handlers: FeedHandlers
  readonly #log: Logger
  #manager: PeerManager | undefined

  constructor(components: FeedComponents, log: Logger, handlers: FeedHandlers) {
    this.#components = components
    this.#log = log
    this.#handlers = handlers
  }

  start(): void {
    this.#components.events.addEventListener('connection:open', this.#onOpen)
    this.#components.events.addEventListener('connection:close', this.#onClose)
  }

  /** Listens to the peer manager, as soon as there is one. */
  join(): void {
    this.#manager = optional(this.#components, 'peerManager')
    this.#manager?.addEventListener('peer:state', this.#onState)
    this.#manager?.addEventListener('peer:report', this.#onReport)
  }

  stop(): void {
    this.#components.events.removeEventListener('connection:open', this.#onOpen)
    this.#components.events.removeEventListener('connection:close', this.#onClose)
    this.#manager?.removeEventListener('peer:state', this.#onState)
    this.#manager?.removeEventListener('peer:report', this.#onReport)
    this.#manager = undefined
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    this.#guard(() => this.#handlers.onOpen(detail))
  }

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => {
    this.#guard(() => this.#handlers.onClose(detail))
  }

  readonly #onState = ({ detail }: CustomEvent<PeerStateChange>): void => {
    if (detail.to === 'ready') this.#guard(() => this.#handlers.onReady(detail.peer))
  }

  readonly #onReport = ({ detail: { peer, report } }: CustomEvent<PeerReported>): void => {
    if (report.class === 'useful') this.#guard(() => this.#handlers.onUseful(peer))
  }

  #guard(handle: () => void): void {
    try {
      handle()
    } catch (err) {
      this.#log.error('could not take an event - %e', err)
    }
  }
}

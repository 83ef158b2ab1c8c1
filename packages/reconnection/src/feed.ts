import { optional, type Parting, type PeerManager, type PeerStateChange, type Reason } from '@gridmesh/interfaces'
import type { Connection, IdentifyResult, Logger, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ReconnectionComponents } from './index.ts'

/** What is done with the news. */
export interface FeedHandlers {
  onOpen(connection: Connection): void
  onClose(peer: PeerId): void
  /** A connected peer told where it can be reached. */
  onAddresses(peer: PeerId, addresses: Multiaddr[]): void
  /** A peer said why it is about to part. */
  onGoodbye(peer: PeerId, reason: Reason): void
  /** A goodbye was said, by us or by the peer, and why, where the peer manager knows. */
  onDraining(peer: PeerId, parting?: Parting): void
}

type Farewells = Pick<
  TypedEventTarget<{ 'peer:goodbye': CustomEvent<{ peer: PeerId; reason: Reason }> }>,
  'addEventListener' | 'removeEventListener'
>

/** Listens to libp2p and to the siblings. A listener that throws would end the process, so that is logged instead. */
export class Feed {
  readonly #components: ReconnectionComponents
  readonly #handlers: FeedHandlers
  readonly #log: Logger
  #farewells: Farewells | undefined
  #states: Pick<PeerManager, 'addEventListener' | 'removeEventListener'> | undefined

  constructor(components: ReconnectionComponents, log: Logger, handlers: FeedHandlers) {
    this.#components = components
    this.#log = log
    this.#handlers = handlers
  }

  /** Listens to libp2p. */
  start(): void {
    const { events } = this.#components
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
    events.addEventListener('peer:disconnect', this.#onDisconnect)
    events.addEventListener('peer:identify', this.#onIdentify)
  }

  /** Listens to the siblings, which have to be started by then. */
  listenToSiblings(): void {
    const handshake = optional(this.#components, 'handshake')
    this.#farewells = saysGoodbyes(handshake) ? handshake : undefined
    this.#farewells?.addEventListener('peer:goodbye', this.#onGoodbye)
    this.#states = optional(this.#components, 'peerManager')
    this.#states?.addEventListener('peer:state', this.#onState)
  }

  stop(): void {
    const { events } = this.#components
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('connection:close', this.#onClose)
    events.removeEventListener('peer:disconnect', this.#onDisconnect)
    events.removeEventListener('peer:identify', this.#onIdentify)
    this.#farewells?.removeEventListener('peer:goodbye', this.#onGoodbye)
    this.#states?.removeEventListener('peer:state', this.#onState)
    this.#farewells = undefined
    this.#states = undefined
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    this.#guard(() => this.#handlers.onOpen(detail))
  }

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => {
    this.#guard(() => this.#handlers.onClose(detail.remotePeer))
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.#guard(() => this.#handlers.onClose(detail))
  }

  readonly #onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    this.#guard(() => {
      this.#handlers.onAddresses(detail.peerId, detail.signedPeerRecord?.addresses ?? detail.listenAddrs)
    })
  }

  readonly #onGoodbye = ({ detail }: CustomEvent<{ peer: PeerId; reason: Reason }>): void => {
    this.#guard(() => this.#handlers.onGoodbye(detail.peer, detail.reason))
  }

  readonly #onState = ({ detail: { peer, to, reason, by } }: CustomEvent<PeerStateChange>): void => {
    if (to !== 'draining') return
    const parting = reason === undefined || by === undefined ? undefined : { reason, by }
    this.#guard(() => this.#handlers.onDraining(peer, parting))
  }

  #guard(handle: () => void): void {
    try {
      handle()
    } catch (err) {
      this.#log.error('could not take an event - %e', err)
    }
  }
}

/** The contract of a handshake has no events; one that has them tells of goodbyes. */
function saysGoodbyes<T extends object>(handshake: T | undefined): handshake is T & Farewells {
  return handshake !== undefined && 'addEventListener' in handshake && 'removeEventListener' in handshake
}

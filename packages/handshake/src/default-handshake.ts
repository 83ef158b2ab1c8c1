import {
  type GoodbyeOptions,
  HandshakeRejectedError,
  type Hello,
  type PeerStatus,
  type Reason,
  requireName,
} from '@gridmesh/interfaces'
import {
  AbortError,
  ConnectionClosedError,
  ProtocolError,
  serviceCapabilities,
  TypedEventEmitter,
  type AbortOptions,
  type Connection,
  type Logger,
  type PeerId,
  type Startable,
  type Stream,
} from '@libp2p/interface'
import { Admission } from './admission.ts'
import { FAREWELL_MS, HANDSHAKE_PROTOCOL, MAX_INBOUND_STREAMS, MAX_OUTBOUND_STREAMS } from './constants.ts'
import type { HandshakeComponents, HandshakeEvents, HandshakeInit, HandshakeService } from './index.ts'
import { Link } from './link.ts'
import { readLimits, type Limits } from './options.ts'
import { OwnHello } from './own-hello.ts'
import { PeerBook } from './peer-book.ts'
import { StatusAnnouncer } from './status-announcer.ts'
import { reason, SHUTTING_DOWN } from './reasons.ts'
import { Deadline, raced } from './timing.ts'

/** The handshake service: one link per connection, and the peers that those made ready. */
export class DefaultHandshake extends TypedEventEmitter<HandshakeEvents> implements HandshakeService, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/handshake'
  readonly [serviceCapabilities] = ['@gridmesh/handshake']
  readonly #components: HandshakeComponents
  readonly #log: Logger
  readonly #limits: Limits
  readonly #links = new Map<string, Link>()
  readonly #own: OwnHello
  readonly #book: PeerBook
  readonly #admission: Admission
  readonly #announcer: StatusAnnouncer
  #state: 'stopped' | 'started' | 'stopping' = 'stopped'

  constructor(components: HandshakeComponents, init: HandshakeInit) {
    super()
    this.#components = components
    this.#log = components.logger.forComponent('gridmesh:handshake')
    this.#limits = readLimits(init)
    this.#own = new OwnHello(init, components.addressManager)
    this.#admission = new Admission(init, this.#limits, this.#links, this.#log)
    this.#book = new PeerBook(components, this.#own, this.#admission, this, this.#log)
    this.#announcer = new StatusAnnouncer(this.#limits.statusIntervalMs, () => this.#book.announce())
  }

  /** @throws {ServiceNameError} when no service is named `handshake` */
  async start(): Promise<void> {
    if (this.#state !== 'stopped') return
    requireName(this.#components, 'handshake')
    this.#state = 'started'
    this.#admission.isClosed = false
    const { connectionManager, events, registrar } = this.#components
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
    this.#announcer.start()
    await registrar.handle(HANDSHAKE_PROTOCOL, this.#onStream, {
      maxInboundStreams: MAX_INBOUND_STREAMS,
      maxOutboundStreams: MAX_OUTBOUND_STREAMS,
      // A peer behind a relay has to be judged too, or the deadline would part us before a direct path is found.
      runOnLimitedConnection: true,
    })
    for (const connection of connectionManager.getConnections()) this.#link(connection)
  }

  /** Says goodbye to every ready peer, for at most a second, and refuses new ones. */
  async beforeStop(): Promise<void> {
    if (this.#state !== 'started') return
    this.#state = 'stopping'
    this.refuseNewcomers()
    await Promise.all(this.#book.peers.map(async (peer) => this.goodbye(peer, SHUTTING_DOWN)))
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    const { events, registrar } = this.#components
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('connection:close', this.#onClose)
    this.#announcer.stop()
    for (const link of this.#links.values()) link.stop(new HandshakeRejectedError(SHUTTING_DOWN, 'us'))
    this.#links.clear()
    this.#book.clear()
    await registrar.unhandle(HANDSHAKE_PROTOCOL)
  }

  get(peer: PeerId): Hello | undefined {
    return this.#book.get(peer)?.hello
  }

  version(peer: PeerId): number | undefined {
    return this.#book.get(peer)?.version
  }

  capabilities(peer: PeerId): readonly string[] {
    return this.#book.get(peer)?.capabilities ?? []
  }

  isReady(peer: PeerId): boolean {
    const known = this.#book.get(peer)
    return known != null && known.parting == null
  }

  async whenReady(peer: PeerId, options: AbortOptions = {}): Promise<Hello> {
    options.signal?.throwIfAborted()
    if (!this.isReady(peer)) {
      const outcome = this.#whenDecided(peer)
      await (options.signal == null ? outcome : raced(outcome, options.signal))
    }
    const known = this.#book.get(peer)
    if (known == null) throw notConnected(peer)
    if (known.parting != null) throw new HandshakeRejectedError(known.parting.reason, known.parting.by)
    return known.hello
  }

  setStatus(status: PeerStatus): void {
    if (this.#own.setStatus(status)) this.#announcer.changed()
  }

  async goodbye(peer: PeerId, why: Reason, options: GoodbyeOptions = {}): Promise<void> {
    const deadline = new Deadline(FAREWELL_MS, () => new AbortError('The peer does not read'))
    const signal = AbortSignal.any([deadline.signal, ...(options.signal == null ? [] : [options.signal])])
    this.#book.part(peer, why, 'us')
    const sent = this.#linksOf(peer).map(async (link) => raced(link.goodbye(why, signal, options.referrals), signal))
    await Promise.allSettled(sent)
    deadline.clear()
  }

  refuseNewcomers(): void {
    this.#admission.isClosed = true
  }

  /** Settles with the first handshake under way that succeeds; where none is, with the last that was. */
  async #whenDecided(peer: PeerId): Promise<void> {
    const links = this.#linksOf(peer)
    if (links.length === 0) throw notConnected(peer)
    const undecided = links.filter(({ state }) => state === 'waiting' || state === 'talking')
    try {
      await Promise.any((undecided.length > 0 ? undecided : links).map(async (link) => link.outcome))
    } catch (err) {
      throw err instanceof AggregateError ? err.errors.at(-1) : err
    }
  }

  #linksOf(peer: PeerId): Link[] {
    return [...this.#links.values()].filter(({ connection }) => connection.remotePeer.equals(peer))
  }

  #link(connection: Connection): Link {
    const known = this.#links.get(connection.id)
    if (known != null) return known
    const link = new Link(connection, this.#book, this.#limits, this.#log)
    this.#links.set(connection.id, link)
    link.begin()
    return link
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    if (detail.status === 'open') this.#link(detail)
  }

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => {
    const link = this.#links.get(detail.id)
    // It stays listed until it has taken in what came before, so that stop reaches it there as well.
    void link?.disconnected().then(() => this.#links.delete(detail.id))
  }

  // libp2p aborts a stream whose handler throws.
  readonly #onStream = (stream: Stream, connection: Connection): void => {
    if (this.#state === 'stopped') throw new AbortError('The handshake service stopped')
    // libp2p still hands over a stream whose protocol was agreed while its connection closed. Nobody would end its link.
    const { status } = connection
    if (status !== 'open' && status !== 'closing') throw new ConnectionClosedError('The connection closed')
    // A dialler that was tolerated and now speaks the handshake after all begins anew.
    const known = this.#links.get(connection.id)
    if (known?.state === 'tolerated' && connection.direction === 'inbound') this.#links.delete(connection.id)
    const link = this.#link(connection)
    const taken = link.accept(stream, this.#admission.turnAway())
    if (taken === 'taken') return
    if (taken === 'unexpected') {
      this.#book.report(link, { class: 'protocol-violation', evidence: 'a handshake stream that has no place' })
    }
    throw new ProtocolError('The handshake has one stream per connection, opened by the dialler')
  }
}

function notConnected(peer: PeerId): HandshakeRejectedError {
  return new HandshakeRejectedError(reason('not-connected', `there is no connection to ${peer.toString()}`), 'us')
}

import {
  type AbortOptions,
  type Connection,
  ConnectionClosedError,
  type DialTarget,
  InvalidPeerIdError,
  type MultiaddrConnection,
  NotStartedError,
  type PeerId,
  type PendingDial,
  type Startable,
  type Stream,
  type NewStreamOptions,
} from '@libp2p/interface'
import type { ConnectionManager, OpenConnectionOptions } from '@libp2p/interface-internal'
import { PeerMap } from '@libp2p/peer-collections'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { ConnectionDeniedError } from '../errors.ts'
import type { WireEnd } from '../links/wire.ts'
import { HostConnection } from './connection.ts'
import { endpointOf, HostDialler } from './dialler.ts'
import { checkGater } from './gate.ts'
import { welcome } from './handshake.ts'
import type { HostContext } from './host-context.ts'
import { HostIdentify } from './identify.ts'
import { HostKeepAlive } from './keep-alive.ts'
import { HostSocket } from './socket.ts'

/** As libp2p's defaults. */
const DIAL_MS = 10_000
const UPGRADE_MS = 10_000
const MAX_PENDING_ARRIVALS = 10
const CLOSE_MS = 500
const FIRST_EPHEMERAL_PORT = 32_768

/** Connections of a simulated host: dials, arrivals, and the events that tell of both, as libp2p's manager. */
export class HostConnectionManager implements ConnectionManager, Startable {
  readonly [Symbol.toStringTag] = '@libp2p/connection-manager'
  readonly #host: HostContext
  readonly #connections = new PeerMap<Connection[]>()
  readonly #dialler: HostDialler
  readonly #keepAlive: HostKeepAlive
  readonly #hasOtherIdentify: () => boolean
  #identify: HostIdentify | undefined
  #maxConnections: number
  #pendingArrivals = 0
  #arrivals = 0
  #isStarted = false

  /** A service may bring an identify of its own, which is known only once all services are built. */
  constructor(host: HostContext, hasOtherIdentify: () => boolean) {
    this.#host = host
    this.#maxConnections = host.maxConnections
    this.#hasOtherIdentify = hasOtherIdentify
    this.#dialler = new HostDialler(host, (end, socket, peer) => this.#open(end, socket, peer))
    this.#keepAlive = new HostKeepAlive(host.peerStore, host.events, (peer, options) =>
      this.openConnection(peer, options),
    )
  }

  async start(): Promise<void> {
    if (this.#isStarted) return
    this.#isStarted = true
    if (!this.#hasOtherIdentify()) {
      this.#identify ??= new HostIdentify(this.#host, () => this.#hostConnections())
      await this.#identify.start()
    }
    this.#host.machine.listeners.set(this.#host.machine.port, (end) => {
      this.#arrive(end).catch(() => end.end())
    })
    await this.#keepAlive.start()
  }

  async stop(): Promise<void> {
    if (!this.#isStarted) return
    this.#isStarted = false
    this.#host.machine.listeners.delete(this.#host.machine.port)
    this.#identify?.stop()
    this.#keepAlive.stop()
    this.#dialler.stop()
    await Promise.all(this.getConnections().map((connection) => this.#close(connection, {}, CLOSE_MS)))
  }

  getConnections(peerId?: PeerId): Connection[] {
    if (peerId !== undefined) return this.#connections.get(peerId) ?? []
    return [...this.#connections.values()].flat()
  }

  getConnectionsMap(): PeerMap<Connection[]> {
    return this.#connections
  }

  getMaxConnections(): number {
    return this.#maxConnections
  }

  setMaxConnections(maxConnections: number): void {
    if (!(maxConnections >= 1)) throw new RangeError(`maxConnections is ${maxConnections}, expected 1 or more`)
    this.#maxConnections = maxConnections
  }

  async openConnection(target: DialTarget, options: OpenConnectionOptions = {}): Promise<Connection> {
    if (!this.#isStarted) throw new NotStartedError('Not started')
    options.signal?.throwIfAborted()
    const wanted = this.#dialler.target(target)
    if (wanted.peerId?.equals(this.#host.peerId) === true) throw new InvalidPeerIdError('Can not dial self')
    const open = wanted.peerId === undefined ? [] : this.getConnections(wanted.peerId)
    const existing = open.find(({ status }) => status === 'open')
    if (existing !== undefined && options.force !== true) return existing
    return this.#dialler.dial(wanted, options.signal ?? AbortSignal.timeout(DIAL_MS))
  }

  async openStream(
    target: DialTarget,
    protocol: string | string[],
    options: OpenConnectionOptions & NewStreamOptions = {},
  ): Promise<Stream> {
    const connection = await this.openConnection(target, options)
    return connection.newStream(protocol, options)
  }

  async closeConnections(peerId: PeerId, options: AbortOptions = {}): Promise<void> {
    await Promise.all(this.getConnections(peerId).map((connection) => this.#close(connection, options)))
  }

  acceptIncomingConnection(_connection: MultiaddrConnection): boolean {
    if (this.#pendingArrivals >= MAX_PENDING_ARRIVALS || this.#count() >= this.#maxConnections) return false
    this.#pendingArrivals++
    return true
  }

  afterUpgradeInbound(): void {
    this.#pendingArrivals--
  }

  getDialQueue(): PendingDial[] {
    return this.#dialler.running().map((id) => ({ id, status: 'active', multiaddrs: [] }))
  }

  async isDialable(addresses: Multiaddr | Multiaddr[]): Promise<boolean> {
    return [addresses].flat().some((address) => endpointOf(address) !== undefined)
  }

  #hostConnections(): HostConnection[] {
    return this.getConnections().filter((connection) => connection instanceof HostConnection)
  }

  #count(): number {
    let count = 0
    for (const connections of this.#connections.values()) count += connections.length
    return count
  }

  async #arrive(end: WireEnd): Promise<void> {
    const { connectionGater: gater, logger, peerId: self } = this.#host
    const port = FIRST_EPHEMERAL_PORT + (this.#arrivals++ % FIRST_EPHEMERAL_PORT)
    const from = multiaddr(`/ip4/${end.remote.ip}/tcp/${port}`)
    const socket = new HostSocket(end, from, 'inbound', logger.forComponent('simnet:socket'))
    if (!this.acceptIncomingConnection(socket)) throw new ConnectionDeniedError()
    try {
      if ((await gater.denyInboundConnection?.(socket)) === true) throw new ConnectionDeniedError()
      const peer = await welcome(end, self, AbortSignal.timeout(UPGRADE_MS), (remote) =>
        checkGater(gater, ['denyInboundEncryptedConnection', 'denyInboundUpgradedConnection'], remote, socket),
      )
      this.#open(end, socket, peer)
    } finally {
      this.afterUpgradeInbound()
    }
  }

  #open(end: WireEnd, socket: HostSocket, remotePeer: PeerId): HostConnection {
    if (!end.isOpen) throw new ConnectionClosedError('Remote closed connection during opening')
    if (!this.#isStarted) throw new ConnectionClosedError('The node has stopped during opening')
    const { host, identify } = { host: this.#host, identify: this.#identify }
    const connection: HostConnection = new HostConnection({
      host,
      end,
      socket,
      remotePeer,
      ownIdentity: () => identify?.identity() ?? { protocols: [], agentVersion: '', record: undefined },
      onIdentity: (identity) => void identify?.receive(connection, identity),
    })
    host.metrics?.trackMultiaddrConnection(socket)
    connection.addEventListener('close', () => this.#closed(connection))
    const known = this.#connections.get(remotePeer) ?? []
    this.#connections.set(remotePeer, [...known, connection])
    host.events.safeDispatchEvent('connection:open', { detail: connection })
    if (known.length === 0) host.events.safeDispatchEvent('peer:connect', { detail: remotePeer })
    if (identify !== undefined && connection.status === 'open') connection.identify()
    return connection
  }

  #closed(connection: HostConnection): void {
    const { events } = this.#host
    const rest = this.getConnections(connection.remotePeer).filter((other) => other !== connection)
    if (rest.length > 0) this.#connections.set(connection.remotePeer, rest)
    else this.#connections.delete(connection.remotePeer)
    events.safeDispatchEvent('connection:close', { detail: connection })
    // Who stops is not told of each peer that it leaves.
    if (rest.length === 0 && this.#isStarted)
      events.safeDispatchEvent('peer:disconnect', { detail: connection.remotePeer })
  }

  async #close(connection: Connection, options: AbortOptions, defaultMs?: number): Promise<void> {
    const signal = options.signal ?? (defaultMs === undefined ? undefined : AbortSignal.timeout(defaultMs))
    try {
      await connection.close(signal === undefined ? {} : { signal })
    } catch (err) {
      connection.abort(err instanceof Error ? err : new ConnectionClosedError(String(err)))
    }
  }
}

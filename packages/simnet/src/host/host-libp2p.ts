import {
  type AbortOptions,
  type ComponentLogger,
  type Connection,
  type ContentRoutingProvider,
  contentRoutingSymbol,
  type Ed25519PeerId,
  type Ed25519PublicKey,
  type PublicKey,
  type RSAPeerId,
  type RSAPublicKey,
  type Secp256k1PeerId,
  type Secp256k1PublicKey,
  type URLPeerId,
  type DialOptions,
  type DialProtocolOptions,
  type DialTarget,
  InvalidParametersError,
  type IsDialableOptions,
  isPeerId,
  type Libp2p,
  type Libp2pEvents,
  type Libp2pStatus,
  type Metrics,
  NotFoundError,
  type PeerId,
  type PeerDiscoveryProvider,
  peerDiscoverySymbol,
  type PeerRoutingProvider,
  peerRoutingSymbol,
  type PeerStore,
  type PendingDial,
  type PrivateKey,
  type ServiceMap,
  type Stream,
  type StreamHandler,
  type StreamHandlerOptions,
  type StreamMiddleware,
  type Topology,
  TypedEventEmitter,
} from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Datastore } from 'interface-datastore'
import type { Fabric } from '../links/fabric.ts'
import type { Machine } from '../links/machine.ts'
import { PING_STREAMS } from '../constants.ts'
import { HostAddressManager } from './address-manager.ts'
import { callHook, checkDependencies, type ComponentMap, createComponents, hasCapability } from './components.ts'
import { HostConnectionManager } from './connection-manager.ts'
import { HostContentRouting } from './content-routing.ts'
import type { HostContext } from './host-context.ts'
import { HostPeerRouting, HostRandomWalk } from './peer-routing.ts'
import { HostPeerStore } from './peer-store.ts'
import { HostRegistrar } from './registrar.ts'
import type { NodeOptions, ServiceFactories } from '../types.ts'

const NODE_INFO = { name: 'simnet', version: '1.0.0', userAgent: 'simnet/1.0.0' }

export interface HostLibp2pInit<S extends ServiceMap> {
  privateKey: PrivateKey
  peerId: PeerId
  address: Multiaddr
  machine: Machine
  fabric: Fabric
  logger: ComponentLogger
  datastore: Datastore
  maxConnections: number
  options: NodeOptions<S>
  services: ServiceFactories<S>
  findPeer: HostContext['findPeer']
  addressOf: HostContext['addressOf']
}

/** Stands in for libp2p: gives services their components, and does for them what libp2p does, without its weight. */
export class HostLibp2p<S extends ServiceMap> extends TypedEventEmitter<Libp2pEvents<S>> implements Libp2p<S> {
  readonly peerId: PeerId
  readonly peerStore: PeerStore
  readonly peerRouting: HostPeerRouting
  readonly contentRouting: HostContentRouting
  readonly logger: ComponentLogger
  declare readonly metrics?: Metrics
  readonly services: S
  status: Libp2pStatus = 'stopped'
  readonly #address: Multiaddr
  readonly #components: ComponentMap
  readonly #registrar: HostRegistrar
  readonly #connections: HostConnectionManager

  constructor(init: HostLibp2pInit<S>) {
    super()
    const { peerId, privateKey, address, logger, datastore, options } = init
    const events = this.#eventBus()
    const connectionGater = options.connectionGater ?? {}
    this.peerId = peerId
    this.logger = logger
    this.#address = address
    this.peerStore = new HostPeerStore(peerId, events)
    this.peerRouting = new HostPeerRouting(peerId, this.peerStore)
    this.contentRouting = new HostContentRouting(this.peerStore)
    this.#registrar = new HostRegistrar({ peerId, peerStore: this.peerStore, events })
    this.#components = createComponents({
      peerId,
      privateKey,
      nodeInfo: NODE_INFO,
      logger,
      events,
      datastore,
      connectionGater,
      peerStore: this.peerStore,
      registrar: this.#registrar,
      addressManager: new HostAddressManager(address),
      peerRouting: this.peerRouting,
      contentRouting: this.contentRouting,
      randomWalk: new HostRandomWalk(this.peerRouting),
    })
    const metrics: Metrics | undefined =
      options.metrics === undefined ? undefined : Reflect.apply(options.metrics, undefined, [this.#components])
    if (metrics !== undefined) this.metrics = this.#components['metrics'] = metrics
    const { peerStore, peerRouting } = this
    const own = { events, connectionGater, metrics, peerStore, peerRouting, registrar: this.#registrar }
    const host: HostContext = { ...init, ...own, agentVersion: NODE_INFO.userAgent }
    this.#connections = new HostConnectionManager(host, () =>
      hasCapability(Object.values(this.services), '@libp2p/identify'),
    )
    this.#components['connectionManager'] = this.#connections
    this.services = this.#build(init.services)
    checkDependencies(this.#components)
  }

  async start(): Promise<void> {
    if (this.status !== 'stopped') return
    this.status = 'starting'
    try {
      for (const hook of ['beforeStart', 'start', 'afterStart'] as const) await callHook(this.#components, hook)
      this.status = 'started'
      this.safeDispatchEvent('start', { detail: this })
    } catch (err) {
      this.status = 'started'
      await this.stop()
      throw err
    }
  }

  async stop(): Promise<void> {
    if (this.status !== 'started') return
    this.status = 'stopping'
    for (const hook of ['beforeStop', 'stop', 'afterStop'] as const) await callHook(this.#components, hook)
    this.status = 'stopped'
    this.safeDispatchEvent('stop', { detail: this })
  }

  getMultiaddrs(): Multiaddr[] {
    return [this.#address]
  }

  getProtocols(): string[] {
    return [...this.#registrar.getProtocols()]
  }

  getConnections(peerId?: PeerId): Connection[] {
    return this.#connections.getConnections(peerId)
  }

  getDialQueue(): PendingDial[] {
    return this.#connections.getDialQueue()
  }

  getPeers(): PeerId[] {
    return [...this.#connections.getConnectionsMap().keys()]
  }

  async dial(peer: DialTarget, options: DialOptions = {}): Promise<Connection> {
    return this.#connections.openConnection(peer, options)
  }

  async dialProtocol(
    peer: DialTarget,
    protocols: string | string[],
    options: DialProtocolOptions = {},
  ): Promise<Stream> {
    if (protocols.length === 0) throw new InvalidParametersError('no protocols were provided to open a stream')
    const connection = await this.dial(peer, options)
    return connection.newStream(protocols, options)
  }

  async hangUp(peer: PeerId | Multiaddr, options: AbortOptions = {}): Promise<void> {
    const isPeer = isPeerId(peer)
    const name = isPeer ? peer.toString() : peer.getComponents().findLast((part) => part.name === 'p2p')?.value
    const peerId = isPeer ? peer : this.getPeers().find((connected) => connected.toString() === name)
    if (peerId !== undefined) await this.#connections.closeConnections(peerId, options)
  }

  async handle(protocols: string | string[], handler: StreamHandler, options?: StreamHandlerOptions): Promise<void> {
    await Promise.all([protocols].flat().map((protocol) => this.#registrar.handle(protocol, handler, options)))
  }

  async unhandle(protocols: string | string[]): Promise<void> {
    await this.#registrar.unhandle(protocols)
  }

  async register(protocol: string, topology: Topology): Promise<string> {
    return this.#registrar.register(protocol, topology)
  }

  unregister(id: string): void {
    this.#registrar.unregister(id)
  }

  use(protocol: string, middleware: StreamMiddleware | StreamMiddleware[]): void {
    this.#registrar.use(protocol, [middleware].flat())
  }

  unuse(protocol: string): void {
    this.#registrar.unuse(protocol)
  }

  async isDialable(address: Multiaddr | Multiaddr[], _options?: IsDialableOptions): Promise<boolean> {
    return this.#connections.isDialable(address)
  }

  async getPublicKey(peer: Ed25519PeerId, options?: AbortOptions): Promise<Ed25519PublicKey>
  async getPublicKey(peer: Secp256k1PeerId, options?: AbortOptions): Promise<Secp256k1PublicKey>
  async getPublicKey(peer: RSAPeerId, options?: AbortOptions): Promise<RSAPublicKey>
  async getPublicKey(peer: URLPeerId, options?: AbortOptions): Promise<never>
  async getPublicKey(peer: PeerId): Promise<PublicKey> {
    // Simulated peers have Ed25519 keys, which their peer ids contain.
    if (peer.publicKey === undefined) throw new NotFoundError(`The public key of ${peer.toString()} is not known`)
    return peer.publicKey
  }

  /** What services are told, the owner of the node is told too, as in libp2p. */
  #eventBus(): TypedEventEmitter<Libp2pEvents> {
    const events = new TypedEventEmitter<Libp2pEvents>()
    const dispatch = events.dispatchEvent.bind(events)
    events.dispatchEvent = (event) => {
      const isAccepted = dispatch(event)
      if (this.listenerCount(event.type) === 0) return isAccepted
      const detail: unknown = event instanceof CustomEvent ? event.detail : undefined
      return this.dispatchEvent(new CustomEvent(event.type, { detail })) || isAccepted
    }
    return events
  }

  #build(given: ServiceFactories<S>): S {
    const factories: Record<string, (components: never) => unknown> = {
      ping: ping({ maxInboundStreams: PING_STREAMS, maxOutboundStreams: PING_STREAMS }),
      ...given,
    }
    const services: S = Object.create(Object.prototype)
    for (const [name, create] of Object.entries(factories)) {
      const service: unknown = Reflect.apply(create, undefined, [this.#components])
      if (service == null) continue
      Object.assign(services, { [name]: service })
      this.#components[name] = service
      this.#attach(Object(service))
    }
    return services
  }

  /** Lets the node find peers and content by a service that offers to. */
  #attach(service: Partial<ContentRoutingProvider & PeerRoutingProvider & PeerDiscoveryProvider>): void {
    const content = service[contentRoutingSymbol]
    const peers = service[peerRoutingSymbol]
    if (content != null) this.contentRouting.add(content)
    if (peers != null) this.peerRouting.add(peers)
    service[peerDiscoverySymbol]?.addEventListener('peer', ({ detail: { id, multiaddrs } }) => {
      // libp2p logs what its peer store refuses, and so nobody else hears of it.
      if (!id.equals(this.peerId)) this.peerStore.merge(id, { multiaddrs }).catch(() => {})
    })
  }
}

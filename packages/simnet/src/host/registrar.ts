import {
  type IdentifyResult,
  InvalidParametersError,
  type Libp2pEvents,
  type PeerId,
  type PeerStore,
  type PeerUpdate,
  type StreamHandler,
  type StreamHandlerOptions,
  type StreamHandlerRecord,
  type StreamMiddleware,
  type Topology,
  type TypedEventTarget,
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { DuplicateProtocolHandlerError, UnhandledProtocolError } from '../errors.ts'
import { DEFAULT_MAX_INBOUND_STREAMS, DEFAULT_MAX_OUTBOUND_STREAMS } from './stream-rules.ts'

export interface RegistrarComponents {
  peerId: PeerId
  peerStore: PeerStore
  events: TypedEventTarget<Libp2pEvents>
}

/** Handlers by protocol, and topologies that are told of peers; as libp2p's. */
export class HostRegistrar implements Registrar {
  readonly [Symbol.toStringTag] = '@libp2p/registrar'
  readonly #components: RegistrarComponents
  readonly #handlers = new Map<string, StreamHandlerRecord>()
  readonly #topologies = new Map<string, Map<string, Topology>>()
  readonly #middleware = new Map<string, StreamMiddleware[]>()
  #protocols: string[] | undefined

  constructor(components: RegistrarComponents) {
    this.#components = components
    const { events } = components
    events.addEventListener('peer:identify', ({ detail }) => this.#onIdentify(detail))
    events.addEventListener('peer:update', ({ detail }) => this.#onUpdate(detail))
    events.addEventListener('peer:disconnect', ({ detail }) => void this.#onDisconnect(detail))
  }

  getProtocols(): string[] {
    this.#protocols ??= [...this.#handlers.keys()].toSorted()
    return this.#protocols
  }

  async handle(protocol: string, handler: StreamHandler, options: StreamHandlerOptions = {}): Promise<void> {
    if (this.#handlers.has(protocol) && options.force !== true) throw new DuplicateProtocolHandlerError(protocol)
    const limits = { maxInboundStreams: DEFAULT_MAX_INBOUND_STREAMS, maxOutboundStreams: DEFAULT_MAX_OUTBOUND_STREAMS }
    this.#handlers.set(protocol, { handler, options: { ...limits, ...options } })
    this.#protocols = undefined
    await this.#components.peerStore.merge(this.#components.peerId, { protocols: [protocol] })
  }

  async unhandle(protocols: string | string[]): Promise<void> {
    for (const protocol of Array.isArray(protocols) ? protocols : [protocols]) this.#handlers.delete(protocol)
    this.#protocols = undefined
    await this.#components.peerStore.patch(this.#components.peerId, { protocols: this.getProtocols() })
  }

  getHandler(protocol: string): StreamHandlerRecord {
    const record = this.#handlers.get(protocol)
    if (record === undefined) throw new UnhandledProtocolError(protocol)
    return record
  }

  use(protocol: string, middleware: StreamMiddleware[]): void {
    this.#middleware.set(protocol, middleware)
  }

  unuse(protocol: string): void {
    this.#middleware.delete(protocol)
  }

  getMiddleware(protocol: string): StreamMiddleware[] {
    return this.#middleware.get(protocol) ?? []
  }

  async register(protocol: string, topology: Topology): Promise<string> {
    if (topology == null) throw new InvalidParametersError('invalid topology')
    const id = `${(Math.random() * 1e9).toString(36)}${Date.now()}`
    const topologies = this.#topologies.get(protocol) ?? new Map<string, Topology>()
    this.#topologies.set(protocol, topologies.set(id, topology))
    return id
  }

  unregister(id: string): void {
    for (const [protocol, topologies] of this.#topologies) {
      if (topologies.delete(id) && topologies.size === 0) this.#topologies.delete(protocol)
    }
  }

  getTopologies(protocol: string): Topology[] {
    return [...(this.#topologies.get(protocol)?.values() ?? [])]
  }

  #onIdentify({ peerId, protocols, connection }: IdentifyResult): void {
    this.#tell(protocols, (topology) => {
      if (topology.filter?.has(peerId) === true) return undefined
      topology.filter?.add(peerId)
      return topology.onConnect?.(peerId, connection)
    })
  }

  #onUpdate({ peer, previous }: PeerUpdate): void {
    const removed = previous?.protocols.filter((protocol) => !peer.protocols.includes(protocol)) ?? []
    this.#tell(removed, (topology) => this.#disconnect(topology, peer.id))
  }

  async #onDisconnect(peerId: PeerId): Promise<void> {
    const peer = await this.#components.peerStore.get(peerId).catch(() => undefined)
    this.#tell(peer?.protocols ?? [], (topology) => this.#disconnect(topology, peerId))
  }

  #disconnect(topology: Topology, peerId: PeerId): void | Promise<void> {
    if (topology.filter !== undefined && !topology.filter.has(peerId)) return undefined
    topology.filter?.remove(peerId)
    return topology.onDisconnect?.(peerId)
  }

  // libp2p logs what a topology throws, and so nobody else hears of it.
  #tell(protocols: readonly string[], call: (topology: Topology) => void | Promise<void>): void {
    for (const protocol of protocols) {
      for (const topology of this.getTopologies(protocol)) {
        try {
          Promise.resolve(call(topology)).catch(() => {})
        } catch {
          continue
        }
      }
    }
  }
}

import type { Connection, PeerId, Stream, Topology } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { RETELL_MS } from './constants.ts'
import type { BroadcastComponents } from './index.ts'

/** A peer that gossipsub was told of. */
interface Told {
  readonly peer: PeerId
  atMs: number
  /** The stream to it that gossipsub opened last. */
  stream?: Stream
}

/**
 * Stands between libp2p and gossipsub, takes note of whom gossipsub is told of and which streams it opens, and tells it
 * again where that came to nothing. Gossipsub opens its stream to a peer when it is told of it, once:
 *
 * - it passes the peer by while it still holds a stream of a dead connection, and never tries again after a failure, so
 *   that a peer that crashed and came back before its old connection was given up would be cut off for good
 * - a stream whose connection ends while the stream is being opened is held for good, and every message to it is lost
 */
export class GossipTopology {
  /** What gossipsub is to be built with. */
  readonly components: BroadcastComponents
  readonly #connections: BroadcastComponents['connectionManager']
  readonly #told = new Map<string, Told>()
  #streams: Map<string, unknown> | undefined
  #topology: Topology | undefined

  constructor(components: BroadcastComponents) {
    this.#connections = components.connectionManager
    const registrar = this.#listenIn(components.registrar)
    // libp2p's components are a proxy themselves, which cannot be spread.
    this.components = new Proxy(components, {
      get: (target, name): unknown => (name === 'registrar' ? registrar : Reflect.get(target, name, target)),
    })
  }

  /** Names the streams that gossipsub sends on, by peer. Those that are dead are taken out of it. */
  follow(streams: Map<string, unknown>): void {
    this.#streams = streams
  }

  /** The peer of this name, if gossipsub was told of it. */
  peer(id: string): PeerId | undefined {
    return this.#told.get(id)?.peer
  }

  /** Whether gossipsub can send to this peer, as far as can be seen. */
  hasStream(peer: string): boolean {
    return this.#streams === undefined || (this.#streams.has(peer) && this.#isAlive(peer))
  }

  /** Tells of each linked peer again whose stream is dead, or that has none though it was told of `RETELL_MS` ago. */
  retell(): void {
    const nowMs = performance.now()
    for (const [id, told] of this.#told) {
      if (this.#streams?.has(id) === true && this.#isAlive(id)) continue
      const wasDead = this.#dropDead(id)
      const connection = this.#connections.getConnections(told.peer).find(({ status }) => status === 'open')
      if (connection === undefined) this.#told.delete(id)
      else if (wasDead || (this.#streams !== undefined && nowMs - told.atMs >= RETELL_MS)) {
        told.atMs = nowMs
        void this.#topology?.onConnect?.(told.peer, this.#watched(connection))
      }
    }
  }

  clear(): void {
    this.#told.clear()
  }

  #isAlive(peer: string): boolean {
    const status = this.#told.get(peer)?.stream?.writeStatus
    return status !== 'closing' && status !== 'closed'
  }

  /** Takes away a stream that gossipsub holds and cannot write to. Returns whether there was one. */
  #dropDead(peer: string): boolean {
    if (this.#isAlive(peer)) return false
    delete this.#told.get(peer)?.stream
    return this.#streams?.delete(peer) === true
  }

  #listenIn(registrar: Registrar): Registrar {
    const register: Registrar['register'] = (protocol, topology, options) => {
      this.#topology = topology
      return registrar.register(protocol, this.#noting(topology), options)
    }
    // Gossipsub opens its stream to a peer also when the peer has opened one to us.
    const handle: Registrar['handle'] = (protocol, handler, options) =>
      registrar.handle(protocol, (stream, connection) => handler(stream, this.#watched(connection)), options)
    return overridden(registrar, { register, handle })
  }

  #noting(topology: Topology): Topology {
    return {
      ...topology,
      onConnect: (peer, connection) => {
        this.#note(peer)
        return topology.onConnect?.(peer, this.#watched(connection))
      },
    }
  }

  #note(peer: PeerId): Told {
    const id = peer.toString()
    this.#dropDead(id)
    const told = { ...this.#told.get(id), peer, atMs: performance.now() }
    this.#told.set(id, told)
    return told
  }

  /** The connection, of which we see the streams that are opened on it. */
  #watched(connection: Connection): Connection {
    const newStream: Connection['newStream'] = async (protocols, options) => {
      const stream = await connection.newStream(protocols, options)
      const told = this.#told.get(connection.remotePeer.toString()) ?? this.#note(connection.remotePeer)
      told.stream = stream
      return stream
    }
    return overridden(connection, { newStream })
  }
}

/** The same object with some methods of ours. */
function overridden<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      if (name in own) return Reflect.get(own, name) as unknown
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

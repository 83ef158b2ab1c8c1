import type { PeerId, Topology } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { RETELL_MS } from './constants.ts'
import type { BroadcastComponents } from './index.ts'

/** A peer that gossipsub was told of. */
interface Told {
  readonly peer: PeerId
  atMs: number
}

/**
 * Takes note of whom gossipsub is told of, and tells it again. Gossipsub opens its stream to a peer when it is told of
 * it, once: it passes the peer by while it still holds a stream of a dead connection, and never tries again after a
 * failure. A peer that crashed and came back before its old connection was given up would be cut off for good.
 */
export class GossipTopology {
  /** What gossipsub is to be built with. */
  readonly components: BroadcastComponents
  readonly #connections: BroadcastComponents['connectionManager']
  readonly #told = new Map<string, Told>()
  #topology: Topology | undefined

  constructor(components: BroadcastComponents) {
    this.#connections = components.connectionManager
    const registrar = this.#listenIn(components.registrar)
    // libp2p's components are a proxy themselves, which cannot be spread.
    this.components = new Proxy(components, {
      get: (target, name): unknown => (name === 'registrar' ? registrar : Reflect.get(target, name, target)),
    })
  }

  /** Tells of each linked peer again that there is no stream to, though it was told of `RETELL_MS` ago. */
  retell(hasStream: (peer: string) => boolean): void {
    const nowMs = performance.now()
    for (const [id, told] of this.#told) {
      const connection = this.#connections.getConnections(told.peer).find(({ status }) => status === 'open')
      if (connection === undefined) this.#told.delete(id)
      else if (!hasStream(id) && nowMs - told.atMs >= RETELL_MS) {
        told.atMs = nowMs
        void this.#topology?.onConnect?.(told.peer, connection)
      }
    }
  }

  clear(): void {
    this.#told.clear()
  }

  #listenIn(registrar: Registrar): Registrar {
    const register: Registrar['register'] = (protocol, topology, options) => {
      this.#topology = topology
      return registrar.register(protocol, this.#noting(topology), options)
    }
    return new Proxy(registrar, {
      get: (target, name) => {
        if (name === 'register') return register
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  #noting(topology: Topology): Topology {
    return {
      ...topology,
      onConnect: (peer, connection) => {
        this.#told.set(peer.toString(), { peer, atMs: performance.now() })
        return topology.onConnect?.(peer, connection)
      },
    }
  }
}

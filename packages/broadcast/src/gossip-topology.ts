import {
  type Connection,
  ConnectionFailedError,
  type Logger,
  type NewStreamOptions,
  type PeerId,
  type Stream,
  TimeoutError,
  type Topology,
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { RETELL_MS, STREAM_OPEN_MS } from './constants.ts'
import type { BroadcastComponents } from './index.ts'

/** A peer that gossipsub was told of, or is about to be. */
interface Told {
  readonly peer: PeerId
  atMs: number
  /** Settles when a stream was opened, or could not be. */
  opening?: Promise<void> | undefined
  /** The stream to it that was opened last. */
  stream?: Stream | undefined
  /** Whether gossipsub has yet to take that stream. */
  isUnclaimed: boolean
  /** Whether it was told of again since the last heartbeat, because its stream had gone. */
  isRetold: boolean
}

/**
 * Stands between libp2p and gossipsub, and opens the streams to peers in its place. Left to itself, gossipsub opens them
 * one after the other, each when it is told of the peer, once:
 *
 * - a peer that lets its stream wait keeps all others from getting theirs
 * - it passes a peer by while it still holds a stream of a dead connection, and never tries again after a failure, so
 *   that a peer that crashed and came back before its old connection was given up would be cut off for good
 * - a stream whose connection ends while the stream is being opened is held for good, and every message to it is lost
 *
 * So all streams are opened here, at once and within a time, and gossipsub is told of a peer when there is one to take.
 */
export class GossipTopology {
  /** What gossipsub is to be built with. */
  readonly components: BroadcastComponents
  readonly #connections: BroadcastComponents['connectionManager']
  readonly #log: Logger
  readonly #told = new Map<string, Told>()
  readonly #protocols = new Set<string>()
  #options: NewStreamOptions = {}
  #streams: Map<string, unknown> | undefined
  #topology: Topology | undefined
  #onStream: () => void = () => undefined

  constructor(components: BroadcastComponents) {
    this.#connections = components.connectionManager
    this.#log = components.logger.forComponent('gridmesh:broadcast')
    const registrar = this.#listenIn(components.registrar)
    // libp2p's components are a proxy themselves, which cannot be spread.
    this.components = new Proxy(components, {
      get: (target, name): unknown => (name === 'registrar' ? registrar : Reflect.get(target, name, target)),
    })
  }

  /** Names the streams that gossipsub sends on, by peer; those that are dead are taken out of it. Calls back after each new one. */
  follow(streams: Map<string, unknown>, onStream: () => void): void {
    this.#streams = streams
    this.#onStream = onStream
  }

  /** The peer of this name, if gossipsub was told of it. */
  peer(id: string): PeerId | undefined {
    return this.#told.get(id)?.peer
  }

  /** Whether gossipsub can send to this peer, as far as can be seen. */
  hasStream(peer: string): boolean {
    return this.#streams === undefined || (this.#streams.has(peer) && this.#isAlive(peer))
  }

  /** A peer is known to be of our network: its stream need not wait until libp2p has found out what it speaks. */
  meet(peer: PeerId): void {
    const connection = this.#connectionTo(peer)
    if (connection !== undefined) void this.#tell(peer, connection)
  }

  /** Tells of each linked peer again whose stream is dead, or that has none though it was told of `RETELL_MS` ago. */
  retell(): void {
    const nowMs = performance.now()
    for (const [id, told] of this.#told) {
      told.isRetold = false
      if (told.opening !== undefined || (this.#streams?.has(id) === true && this.#isAlive(id))) continue
      const wasDead = this.#dropDead(id)
      const connection = this.#connectionTo(told.peer)
      if (connection === undefined) this.#told.delete(id)
      else if (wasDead || (this.#streams !== undefined && nowMs - told.atMs >= RETELL_MS)) {
        void this.#tell(told.peer, connection)
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

  /** The newest: a peer that was cut off is back on that, while older ones seem open. */
  #connectionTo(peer: PeerId, not?: Connection): Connection | undefined {
    return this.#connections.getConnections(peer).findLast((found) => found.status === 'open' && found !== not)
  }

  /** Takes away a stream that gossipsub holds and cannot write to. Returns whether there was one. */
  #dropDead(peer: string): boolean {
    const told = this.#told.get(peer)
    if (told === undefined || this.#isAlive(peer)) return false
    told.stream = undefined
    return this.#streams?.delete(peer) === true
  }

  #listenIn(registrar: Registrar): Registrar {
    const register: Registrar['register'] = (protocol, topology, options) => {
      this.#topology = topology
      this.#protocols.add(protocol)
      const onConnect: Topology['onConnect'] = async (peer, connection) => this.#tell(peer, connection)
      return registrar.register(protocol, { ...topology, onConnect }, options)
    }
    const handle: Registrar['handle'] = (protocol, handler, options = {}) => {
      const { runOnLimitedConnection } = options
      if (runOnLimitedConnection !== undefined) this.#options = { runOnLimitedConnection }
      const onStream: typeof handler = async (stream, connection) => {
        // Gossipsub wants a stream to whoever has opened one to us.
        await this.#tell(connection.remotePeer, connection)
        const told = this.#told.get(connection.remotePeer.toString())
        return handler(stream, handing(connection, told))
      }
      return registrar.handle(protocol, onStream, options)
    }
    return overridden(registrar, { register, handle })
  }

  /** Resolves when gossipsub has been told, or could not be. */
  async #tell(peer: PeerId, connection: Connection): Promise<void> {
    const id = peer.toString()
    this.#dropDead(id)
    const told = this.#told.get(id) ?? { peer, atMs: 0, isUnclaimed: false, isRetold: false }
    this.#told.set(id, told)
    told.atMs = performance.now()
    if (this.#streams?.has(id) === true) return
    told.opening ??= this.#open(told, connection).finally(() => {
      told.opening = undefined
    })
    await told.opening
  }

  async #open(told: Told, connection: Connection): Promise<void> {
    const stream = await this.#newStream(connection)
    // It is tried again: see `retell`.
    if (stream === undefined) return
    if (this.#told.get(told.peer.toString()) !== told) {
      stream.abort(new ConnectionFailedError('Gossip has stopped'))
      return
    }
    told.stream = stream
    told.isUnclaimed = true
    stream.addEventListener('close', () => this.#onClosed(told, stream, connection), { once: true })
    try {
      await this.#topology?.onConnect?.(told.peer, handing(connection, told))
    } catch (err) {
      // A router of somebody else's: nobody waits for us who could handle it. It is tried again, as above.
      this.#log.error('could not tell the router of %p - %e', told.peer, err)
      told.stream = undefined
      told.isUnclaimed = false
      stream.abort(new ConnectionFailedError('Gossip did not take the stream'))
      return
    }
    // By then gossipsub has taken it.
    setTimeout(() => this.#onStream(), 0)
  }

  async #newStream(connection: Connection): Promise<Stream | undefined> {
    // Yamux says that a stream is open one microtask later, and throws in the process where the connection was ended in
    // between: as it is where a peer's connections end one after the other, and the stream to it on the first one calls
    // for one on the second. So streams are opened in a turn of the event loop in which nothing else was done yet.
    await new Promise((resolve) => setImmediate(resolve))
    const controller = new AbortController()
    // Simulated time replaces `setTimeout`, and not `AbortSignal.timeout`.
    const timer = setTimeout(() => controller.abort(new TimeoutError()), STREAM_OPEN_MS)
    try {
      return await connection.newStream([...this.#protocols], { ...this.#options, signal: controller.signal })
    } catch {
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  /** Of two connections to a peer one is closed: the other needs a stream now, not at the next heartbeat. */
  #onClosed(told: Told, stream: Stream, closed: Connection): void {
    const other = this.#connectionTo(told.peer, closed)
    if (told.stream !== stream || told.isRetold || other === undefined) return
    // Once between two heartbeats: a peer could close each as soon as it is open.
    told.isRetold = true
    void this.#tell(told.peer, other)
  }
}

/** The connection, which hands out the stream that was opened for gossipsub, and no other. */
function handing(connection: Connection, told: Told | undefined): Connection {
  const newStream: Connection['newStream'] = async () => {
    if (told?.stream === undefined || !told.isUnclaimed) {
      throw new ConnectionFailedError(`No gossip stream to ${connection.remotePeer.toString()}`)
    }
    told.isUnclaimed = false
    return Promise.resolve(told.stream)
  }
  return overridden(connection, { newStream })
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

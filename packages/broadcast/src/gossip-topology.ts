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
import { EarlyStreams } from './early-streams.ts'
import type { GossipPeers, GossipStreams } from './gossip-peers.ts'
import type { BroadcastComponents } from './index.ts'
import { overridden } from './overridden.ts'

/** A peer that gossipsub was told of, or is about to be. */
interface Told {
  readonly peer: PeerId
  atMs: number
  /** Settles when a stream was opened, or could not be. */
  opening?: Promise<void> | undefined
  /** The stream to it that was opened last, and where. */
  stream?: Stream | undefined
  connection?: Connection | undefined
  /** Whether gossipsub has yet to take that stream. */
  isUnclaimed: boolean
  /** Whether gossipsub is not told of it before it is ready. */
  isEarly: boolean
  /** Whether it was told of again since the last heartbeat, because its stream had gone. */
  isRetold: boolean
  /** The open streams it sends on, which gossipsub was given. */
  readonly heard: Set<Stream>
}

/**
 * Stands between libp2p and gossipsub, and opens the streams to peers in its place. Left to itself, gossipsub opens them
 * one after the other, each when it is told of the peer, once:
 *
 * - a peer that lets its stream wait keeps all others from getting theirs
 * - it passes a peer by while it still holds a stream of a dead connection, and never tries again after a failure, so
 *   that a peer that crashed and came back before its old connection was given up would be cut off for good
 * - a stream whose connection ends while the stream is being opened is held for good, and every message to it is lost
 * - a peer whose stream comes while gossipsub starts is never heard: the stream stays open, and nobody reads it
 * - where one of several streams of a peer breaks it forgets what the peer subscribes to, which is said once per stream
 *
 * So all streams are opened here, at once and within a time, and gossipsub is told of a peer when there is one to take.
 * What comes before gossipsub has started waits for it, and a stream that it hears no more is ended, so that the peer
 * opens another.
 * Who is not ready is no peer of gossipsub: it would hold places in meshes, be sent what is for peers of the network
 * alone, and give nothing that is taken.
 * Where a peer has several connections, its stream moves to the one that is used: others may be dead, or be closed.
 */
export class GossipTopology {
  /** What gossipsub is to be built with. */
  readonly components: BroadcastComponents
  readonly #connections: BroadcastComponents['connectionManager']
  readonly #peers: GossipPeers
  readonly #early: EarlyStreams
  readonly #log: Logger
  readonly #told = new Map<string, Told>()
  readonly #protocols = new Set<string>()
  #options: NewStreamOptions = {}
  #streams: GossipStreams | undefined
  /** Resolves with whether gossipsub has started, or was stopped instead. */
  #starting = Promise.withResolvers<boolean>()
  #topology: Topology | undefined
  #onStream: () => void = () => undefined

  constructor(components: BroadcastComponents, peers: GossipPeers) {
    this.#peers = peers
    this.#early = new EarlyStreams((peer) => peers.isReady(peer))
    this.#connections = components.connectionManager
    this.#log = components.logger.forComponent('gridmesh:broadcast')
    const registrar = this.#listenIn(components.registrar)
    // libp2p's components are a proxy themselves, which cannot be spread.
    this.components = new Proxy(components, {
      get: (target, name): unknown => (name === 'registrar' ? registrar : Reflect.get(target, name, target)),
    })
  }

  /** Names the streams of gossipsub; those that are dead are taken out of it. Calls back after each new one it sends on. */
  follow(streams: GossipStreams, onStream: () => void): void {
    this.#streams = streams
    this.#onStream = onStream
  }

  /** Gossipsub has started: it is given the streams and peers that have come by now, and those that come. */
  start(): void {
    this.#starting.resolve(true)
  }

  /** Refuses what waits for gossipsub, and forgets all peers. */
  stop(): void {
    this.#starting.resolve(false)
    this.#starting = Promise.withResolvers()
    this.#early.refuse()
    this.#told.clear()
  }

  /** The peer of this name, if gossipsub was told of it. */
  peer(id: string): PeerId | undefined {
    return this.#told.get(id)?.peer
  }

  /** Whether gossipsub can send to this peer, as far as can be seen. */
  hasStream(peer: string): boolean {
    return this.#streams === undefined || (this.#streams.streamsOutbound.has(peer) && this.#isAlive(peer))
  }

  /** A peer is known to be of our network: its stream need not wait until libp2p has found out what it speaks. */
  meet(peer: PeerId): void {
    this.#early.review()
    const connection = this.#connectionTo(peer)
    if (connection !== undefined) void this.#tell(peer, connection)
  }

  /**
   * Ends the streams of each linked peer that gossipsub hears no more. Tells of each one again whose stream is dead, or
   * that has none though it was told of `RETELL_MS` ago, and of those that were not ready before.
   */
  retell(): void {
    this.#early.review()
    const nowMs = performance.now()
    for (const [id, told] of this.#told) {
      told.isRetold = false
      if (told.opening !== undefined) continue
      this.#endUnheard(id, told)
      if (this.#streams?.streamsOutbound.has(id) === true && this.#isAlive(id)) continue
      const wasDead = this.#dropDead(id)
      const connection = this.#connectionTo(told.peer)
      if (connection === undefined) this.#told.delete(id)
      else if (wasDead || told.isEarly || (this.#streams !== undefined && nowMs - told.atMs >= RETELL_MS)) {
        void this.#tell(told.peer, connection)
      }
    }
  }

  #isAlive(peer: string): boolean {
    const status = this.#told.get(peer)?.stream?.writeStatus
    return status !== 'closing' && status !== 'closed'
  }

  /** The one that is used, or the newest: a peer that was cut off is back on that, while older ones seem open. */
  #connectionTo(peer: PeerId, not?: Connection): Connection | undefined {
    const used = this.#peers.used(peer)
    if (used !== undefined && used !== not) return used
    return this.#connections.getConnections(peer).findLast((found) => found.status === 'open' && found !== not)
  }

  /** Takes away a stream that cannot be written to, from gossipsub too. Returns whether there was one. */
  #dropDead(peer: string): boolean {
    const told = this.#told.get(peer)
    if (told === undefined || this.#isAlive(peer)) return false
    told.stream = undefined
    this.#streams?.streamsOutbound.delete(peer)
    return true
  }

  #endUnheard(peer: string, { heard }: Told): void {
    if (this.#streams === undefined || this.#streams.streamsInbound.has(peer)) return
    for (const stream of heard) stream.abort(new ConnectionFailedError('Gossip does not hear this stream'))
  }

  #listenIn(registrar: Registrar): Registrar {
    const register: Registrar['register'] = (protocol, topology, options) => {
      this.#topology = topology
      this.#protocols.add(protocol)
      const onConnect: Topology['onConnect'] = async (peer, connection) => {
        if (await this.#starting.promise) await this.#tell(peer, connection)
      }
      return registrar.register(protocol, { ...topology, onConnect }, options)
    }
    const handle: Registrar['handle'] = (protocol, handler, options = {}) => {
      const { runOnLimitedConnection } = options
      if (runOnLimitedConnection !== undefined) this.#options = { runOnLimitedConnection }
      const onStream: typeof handler = async (stream, connection) => {
        const { remotePeer } = connection
        // Gossipsub wants a stream to whoever has opened one to us.
        if ((await this.#starting.promise) && (await this.#early.admit(stream, remotePeer)))
          await this.#tell(remotePeer, connection)
        const told = this.#told.get(remotePeer.toString())
        if (told === undefined) throw new ConnectionFailedError('Gossip has stopped')
        // One that was reset meanwhile tells of its end no more, and would take the place of the one that is heard.
        if (stream.status !== 'open') return undefined
        told.heard.add(stream)
        stream.addEventListener('close', () => told.heard.delete(stream), { once: true })
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
    const told = this.#told.get(id) ?? {
      peer,
      atMs: 0,
      isUnclaimed: false,
      isEarly: false,
      isRetold: false,
      heard: new Set(),
    }
    this.#told.set(id, told)
    told.atMs = performance.now()
    told.isEarly = !this.#peers.isReady(peer)
    if (told.isEarly) return
    await told.opening
    const used = this.#peers.used(peer)
    if (this.#streams?.streamsOutbound.has(id) === true && (used === undefined || used === told.connection)) return
    told.opening ??= this.#open(told, used ?? connection).finally(() => {
      told.opening = undefined
    })
    await told.opening
  }

  async #open(told: Told, connection: Connection): Promise<void> {
    const stream = await this.#newStream(connection)
    // It is tried again: see `retell`.
    if (stream === undefined) return
    const id = told.peer.toString()
    if (this.#told.get(id) !== told) {
      stream.abort(new ConnectionFailedError('Gossip has stopped'))
      return
    }
    // Gossipsub takes no other stream while it has one.
    const before = this.#streams?.streamsOutbound.delete(id) === true ? told.stream : undefined
    told.stream = stream
    told.connection = connection
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
    setTimeout(() => {
      this.#onStream()
      // What was sent on that still arrives.
      before?.close().catch(() => undefined)
    }, 0)
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
    if (this.#told.get(told.peer.toString()) !== told || told.stream !== stream) return
    if (told.isRetold || other === undefined) return
    // Once between two heartbeats: a peer could close each as soon as it is open.
    told.isRetold = true
    void this.#tell(told.peer, other)
  }
}

/** The connection, which hands out the stream that was opened for gossipsub, and no other. */
function handing(connection: Connection, told: Told): Connection {
  const newStream: Connection['newStream'] = async () => {
    if (told.stream === undefined || !told.isUnclaimed) {
      throw new ConnectionFailedError(`No gossip stream to ${connection.remotePeer.toString()}`)
    }
    told.isUnclaimed = false
    return Promise.resolve(told.stream)
  }
  return overridden(connection, { newStream })
}

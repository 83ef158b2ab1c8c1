import type { Parting } from '@gridmesh/interfaces'
import type { Connection, PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { LinkTracker } from './link-tracker.ts'
import type { PeerManagerOptions } from './options.ts'
import type { PeerBook } from './peer-book.ts'
import { mergeAddresses } from './record.ts'
import { stateForLinks } from './transitions.ts'

/** Keeps the state of each peer in line with the connections that are open to it. */
export class LinkKeeper {
  readonly #tracker = new LinkTracker<Connection>()
  readonly #book: PeerBook
  readonly #connectionManager: Pick<ConnectionManager, 'getConnections' | 'getDialQueue'>
  readonly #options: PeerManagerOptions

  constructor(
    book: PeerBook,
    connectionManager: Pick<ConnectionManager, 'getConnections' | 'getDialQueue'>,
    options: PeerManagerOptions,
  ) {
    this.#book = book
    this.#connectionManager = connectionManager
    this.#options = options
  }

  opened(connection: Connection): void {
    const { addresses } = this.#book.ensure(connection.remotePeer)
    const key = connection.remotePeer.toString()
    this.#tracker.open(key, connection)
    // The address of an inbound connection is a port of the moment that nobody listens on.
    const dialled = connection.direction === 'outbound' ? [connection.remoteAddr.toString()] : []
    this.#book.see(key, { addresses: mergeAddresses(key, addresses, dialled, this.#options) })
    this.settle(key)
  }

  closed(connection: Connection): void {
    const key = connection.remotePeer.toString()
    this.#tracker.close(key, connection.id)
    this.settle(key)
  }

  /** Notes a goodbye, and why: the connections open now lead nowhere. */
  drain(key: string, parting?: Parting): void {
    this.#tracker.drain(key)
    this.settle(key, parting)
  }

  /** Has any connection, draining ones included. */
  isLinked(key: string): boolean {
    return this.#tracker.count(key).total > 0
  }

  /** Brings one peer in line with what libp2p lists, for events that were missed or came early. */
  sync(peer: PeerId): void {
    const listed = this.#connectionManager.getConnections(peer)
    if (listed.length > 0) this.#book.ensure(peer)
    this.#tracker.sync(peer.toString(), listed)
    this.settle(peer.toString())
  }

  /** Brings all peers in line with libp2p's connections and dials. */
  syncAll(): void {
    const peers = new Map<string, PeerId>()
    for (const { remotePeer } of this.#connectionManager.getConnections()) peers.set(remotePeer.toString(), remotePeer)
    for (const key of this.#tracker.keys()) {
      const id = this.#book.peek(key)?.id
      if (id !== undefined) peers.set(key, id)
    }
    for (const peer of peers.values()) this.sync(peer)
    this.#syncDials()
  }

  /** Forgets all connections, as when the node stops. */
  clear(): void {
    const keys = this.#tracker.keys()
    this.#tracker.clear()
    for (const key of keys) this.settle(key)
    for (const { id } of this.#book.inStates('connecting')) this.#book.move(id.toString(), 'known')
  }

  /** Moves a peer to the state that its open connections call for. */
  settle(key: string, parting?: Parting): void {
    const record = this.#book.peek(key)
    if (record === undefined) return
    const direction = this.#tracker.oldest(key)?.direction
    const changes = direction === undefined ? {} : { direction }
    const removed = direction === undefined ? (['direction'] as const) : []
    const to = stateForLinks(record.state, this.#tracker.count(key))
    if (to !== record.state) this.#book.move(key, to, { changes, removed, parting })
    else if (direction !== record.direction) this.#book.change(key, changes, removed)
  }

  #syncDials(): void {
    const dialled = new Set<string>()
    for (const { peerId, status } of this.#connectionManager.getDialQueue()) {
      if (peerId === undefined || (status !== 'active' && status !== 'queued')) continue
      dialled.add(peerId.toString())
      if (status === 'active') this.#book.move(peerId.toString(), 'connecting')
    }
    for (const { id } of this.#book.inStates('connecting')) {
      if (!dialled.has(id.toString())) this.#book.move(id.toString(), 'known')
    }
  }
}

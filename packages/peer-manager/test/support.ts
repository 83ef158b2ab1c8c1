import type { Handshake, Health, Hello, Reason } from '@gridmesh/interfaces'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { type Connection, type Libp2pEvents, type Peer, type PeerId, TypedEventEmitter } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { MemoryDatastore } from 'datastore-core'
import { DefaultPeerManager } from '../src/peer-manager.ts'
import type { PeerManagerComponents, PeerManagerInit } from '../src/index.ts'

/** As many peer ids as asked for, the same in every run. */
export async function makePeerIds(count: number): Promise<PeerId[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const seed = new Uint8Array(32)
      new DataView(seed.buffer).setUint32(0, index + 1)
      return peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed))
    }),
  )
}

/** Element `index`, which the test knows to exist. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`there is no element ${index}`)
  return item
}

export function makeHello(changes: Partial<Hello> = {}): Hello {
  return {
    protocol: { min: 1, max: 1 },
    chainId: 'test',
    genesisHash: '00',
    height: 1,
    tipHash: '01',
    role: 'consumer',
    region: 'north',
    capabilities: [],
    listenAddresses: [],
    userAgent: 'test/1',
    timeMs: 0,
    ...changes,
  }
}

/** A connection that can be opened, closed and asked what became of it. */
export interface FakeConnection {
  id: string
  remotePeer: PeerId
  remoteAddr: string
  direction: 'inbound' | 'outbound'
  status: 'open' | 'closing' | 'closed' | 'aborted'
  abort(err: Error): void
}

/** libp2p's bus and connection manager, as far as the peer manager sees them. */
export class FakeLibp2p {
  readonly events = new TypedEventEmitter<Libp2pEvents>()
  readonly connections = new Map<string, FakeConnection>()
  readonly dials: { peerId: PeerId; status: 'active' | 'queued' }[] = []
  /** Left alone, connections close when asked. */
  isStuck = false
  #nextId = 0

  make(remotePeer: PeerId, direction: 'inbound' | 'outbound' = 'inbound'): FakeConnection {
    const id = String(this.#nextId++)
    const remoteAddr = `/memory/${id}/p2p/${remotePeer.toString()}`
    const connection: FakeConnection = { id, remotePeer, remoteAddr, direction, status: 'open', abort: () => {} }
    connection.abort = () => this.close(connection, 'aborted')
    return connection
  }

  open(remotePeer: PeerId, direction?: 'inbound' | 'outbound'): FakeConnection {
    const connection = this.make(remotePeer, direction)
    this.connections.set(connection.id, connection)
    this.say('connection:open', connection)
    return connection
  }

  close(connection: FakeConnection, status: 'closed' | 'aborted' = 'closed'): void {
    connection.status = status
    this.connections.delete(connection.id)
    this.say('connection:close', connection)
  }

  say(type: 'connection:open' | 'connection:close', connection: FakeConnection): void {
    this.events.safeDispatchEvent(type, { detail: asConnection(connection) })
  }

  of(peer?: PeerId): FakeConnection[] {
    return [...this.connections.values()].filter((one) => peer === undefined || one.remotePeer.equals(peer))
  }

  connectionManager(): PeerManagerComponents['connectionManager'] {
    return {
      getConnections: (peer) => this.of(peer).map(asConnection),
      getDialQueue: () => this.dials.map((dial) => ({ id: '', multiaddrs: [], ...dial })),
      closeConnections: async (peer, options) => {
        if (this.isStuck) await new Promise((_, reject) => options?.signal?.addEventListener('abort', reject))
        for (const connection of this.of(peer)) this.close(connection)
      },
    }
  }
}

/** libp2p's peer store: it says what changes, and not what goes. */
export class FakePeerStore {
  readonly peers = new Map<string, Peer>()
  readonly #events: TypedEventEmitter<Libp2pEvents>

  constructor(events: TypedEventEmitter<Libp2pEvents>) {
    this.#events = events
  }

  put(id: PeerId, { protocols = [], tags = [] }: { protocols?: string[]; tags?: string[] } = {}): void {
    const tagged = new Map(tags.map((tag) => [tag, { value: 1 }]))
    const peer: Peer = { id, addresses: [], protocols, metadata: new Map(), tags: tagged }
    this.peers.set(id.toString(), peer)
    this.#events.safeDispatchEvent('peer:update', { detail: { peer } })
  }

  has(id: PeerId): boolean {
    return this.peers.has(id.toString())
  }

  async forEach(take: (peer: Peer) => void): Promise<void> {
    for (const peer of this.peers.values()) {
      await Promise.resolve()
      take(peer)
    }
  }

  async delete(id: PeerId): Promise<void> {
    this.peers.delete(id.toString())
  }
}

/** A handshake that notes its goodbyes. */
export function fakeHandshake(goodbye: (peer: PeerId, reason: Reason) => Promise<void>): Handshake {
  return {
    get: () => undefined,
    version: () => undefined,
    capabilities: () => [],
    isReady: () => false,
    whenReady: () => Promise.reject(new RangeError('not used')),
    setStatus: () => {},
    refuseNewcomers: () => {},
    goodbye,
  }
}

export function fakeHealth(lagFactor: number): Pick<Health, 'lagFactor'> {
  return { lagFactor }
}

/** A peer manager over a fake libp2p. */
export function makeManager(
  self: PeerId,
  init: PeerManagerInit = {},
  siblings: Partial<PeerManagerComponents> = {},
): { libp2p: FakeLibp2p; manager: DefaultPeerManager; components: PeerManagerComponents } {
  const libp2p = new FakeLibp2p()
  const components: PeerManagerComponents = {
    peerId: self,
    events: libp2p.events,
    connectionManager: libp2p.connectionManager(),
    datastore: new MemoryDatastore(),
    peerStore: new FakePeerStore(libp2p.events),
    logger: defaultLogger(),
    ...siblings,
  }
  return { libp2p, manager: new DefaultPeerManager(components, init), components }
}

function asConnection(connection: FakeConnection): Connection {
  return connection as unknown as Connection
}

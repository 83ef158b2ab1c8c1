import type {
  GoodbyeOptions,
  Handshake,
  Hello,
  PeerManager,
  PeerRecord,
  Reason,
  Referrals,
  Traffic,
} from '@gridmesh/interfaces'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import {
  type Connection,
  type ConnectionGater,
  type Libp2pEvents,
  type Metrics,
  type MultiaddrConnection,
  type PeerId,
  TypedEventEmitter,
} from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import {
  connectionPool,
  type ConnectionPoolComponents,
  type ConnectionPoolInit,
  type ConnectionPoolService,
} from '../src/index.ts'
import type { Direction } from '../src/ticket.ts'

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

/** A socket, as far as the gater sees it, and the connection that becomes of it. */
export class FakeSocket extends TypedEventEmitter<{ close: Event }> {
  readonly id: string
  readonly remoteAddr: Multiaddr
  readonly remotePeer: PeerId
  readonly direction: Direction
  readonly direct = true
  readonly limits = undefined
  /** libp2p hands it on from the socket to the connection. */
  readonly timeline = { open: 0 }
  /** What goes over it. */
  streams: { protocol: string }[] = []
  status: 'open' | 'closed' | 'aborted' = 'open'
  #libp2p: FakeLibp2p

  constructor(id: string, remotePeer: PeerId, direction: Direction, address: string, libp2p: FakeLibp2p) {
    super()
    this.id = id
    this.remotePeer = remotePeer
    this.direction = direction
    // libp2p appends the id of the peer to what it dials.
    this.remoteAddr = multiaddr(direction === 'outbound' ? `${address}/p2p/${remotePeer.toString()}` : address)
    this.#libp2p = libp2p
  }

  get socket(): MultiaddrConnection {
    return this as unknown as MultiaddrConnection
  }

  get connection(): Connection {
    return this as unknown as Connection
  }

  abort(): void {
    this.end('aborted')
  }

  async close(): Promise<void> {
    if (this.#libp2p.isStuck) await new Promise(() => undefined)
    this.end()
  }

  end(status: 'closed' | 'aborted' = 'closed'): void {
    if (this.status !== 'open') return
    this.status = status
    this.safeDispatchEvent('close')
    if (!this.#libp2p.connections.delete(this.id)) return
    this.#libp2p.events.safeDispatchEvent('connection:close', { detail: this.connection })
  }
}

/** libp2p's upgrader, bus and connection manager, as far as the pool sees them: it asks in the same order. */
export class FakeLibp2p {
  readonly events = new TypedEventEmitter<Libp2pEvents>()
  readonly connections = new Map<string, FakeSocket>()
  /** The most connections that were ever open at once. */
  peak = 0
  gater: ConnectionGater = {}
  /** What a dial does; by default it connects at once. */
  dial: (peer: PeerId, addresses: readonly Multiaddr[], signal: AbortSignal) => Promise<FakeSocket> = async (peer) => {
    const { socket, isRefused } = await this.connect(peer, 'outbound')
    if (isRefused) throw Object.assign(new RangeError('blocked'), { name: 'ConnectionInterceptedError' })
    return socket
  }
  readonly dialled: PeerId[] = []
  /** Left alone, connections close when asked. */
  isStuck = false
  #nextId = 0

  make(peer: PeerId, direction: Direction = 'inbound', ip = '192.0.2.1'): FakeSocket {
    const id = String(this.#nextId++)
    return new FakeSocket(id, peer, direction, `/ip4/${ip}/tcp/${1024 + (this.#nextId % 60_000)}`, this)
  }

  /** Opens a connection as libp2p does, with every question to the gater. */
  async connect(peer: PeerId, direction: Direction = 'inbound', ip?: string): Promise<Attempt> {
    const socket = this.make(peer, direction, ip)
    const isRefused = await this.#isDenied(socket)
    if (isRefused || socket.status !== 'open') {
      socket.abort()
      return { socket, isRefused: true }
    }
    this.open(socket)
    return { socket, isRefused: false }
  }

  /** Opens a connection that no gater is asked about. */
  open(socket: FakeSocket): FakeSocket {
    this.connections.set(socket.id, socket)
    this.peak = Math.max(this.peak, this.connections.size)
    this.events.safeDispatchEvent('connection:open', { detail: socket.connection })
    return socket
  }

  of(peer?: PeerId): FakeSocket[] {
    return [...this.connections.values()].filter((one) => peer === undefined || one.remotePeer.equals(peer))
  }

  connectionManager(): ConnectionPoolComponents['connectionManager'] {
    return {
      getConnections: (peer) => this.of(peer).map(({ connection }) => connection),
      openConnection: async (target, options) => {
        const addresses = Array.isArray(target) ? target : []
        const peer = this.peerOf(target)
        this.dialled.push(peer)
        const socket = await this.dial(peer, addresses, options?.signal ?? new AbortController().signal)
        return socket.connection
      },
      closeConnections: async (peer, options) => {
        if (this.isStuck) await new Promise((_, reject) => options?.signal?.addEventListener('abort', reject))
        for (const socket of this.of(peer)) socket.end()
      },
    }
  }

  /** The peer that a dial means. */
  peerOf: (target: unknown) => PeerId = (target) => target as PeerId

  async #isDenied(socket: FakeSocket): Promise<boolean> {
    const { gater } = this
    const { remotePeer: peer } = socket
    if (socket.direction === 'inbound') {
      if ((await gater.denyInboundConnection?.(socket.socket)) === true) return true
      if ((await gater.denyInboundEncryptedConnection?.(peer, socket.socket)) === true) return true
      return (await gater.denyInboundUpgradedConnection?.(peer, socket.socket)) === true
    }
    if ((await gater.denyDialPeer?.(peer)) === true) return true
    if ((await gater.denyDialMultiaddr?.(socket.remoteAddr)) === true) return true
    if ((await gater.denyOutboundConnection?.(peer, socket.socket)) === true) return true
    if ((await gater.denyOutboundEncryptedConnection?.(peer, socket.socket)) === true) return true
    return (await gater.denyOutboundUpgradedConnection?.(peer, socket.socket)) === true
  }
}

/** What became of a connection. */
export interface Attempt {
  readonly socket: FakeSocket
  readonly isRefused: boolean
}

const NONE: Traffic = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 }
const NO_TRAFFIC: PeerRecord['traffic'] = { critical: NONE, high: NONE, normal: NONE, bulk: NONE }

/** A peer manager that knows what it is told. */
export class FakePeerManager extends TypedEventEmitter<{ 'peer:state': Event; 'peer:report': Event }> {
  readonly records = new Map<string, Partial<PeerRecord>>()
  readonly banned = new Set<string>()
  readonly calls: string[] = []

  know(peer: PeerId, record: Partial<PeerRecord>): void {
    const { traffic = NO_TRAFFIC, ...known } = this.get(peer) ?? {}
    this.records.set(peer.toString(), { traffic, ...known, ...record })
  }

  get(peer: PeerId): Partial<PeerRecord> | undefined {
    return this.records.get(peer.toString())
  }

  reputation(peer: PeerId): number {
    return this.get(peer)?.reputation ?? 0
  }

  isBanned(peer: PeerId): boolean {
    return this.banned.has(peer.toString())
  }

  markConnecting(peer: PeerId): void {
    this.calls.push(`connecting ${peer.toString()}`)
  }

  markFailed(peer: PeerId): void {
    this.calls.push(`failed ${peer.toString()}`)
  }

  ready(peer: PeerId, hello: Hello = makeHello()): void {
    this.know(peer, { state: 'ready', hello })
    this.safeDispatchEvent('peer:state', { detail: { peer, from: 'connected', to: 'ready' } })
  }

  useful(peer: PeerId): void {
    this.safeDispatchEvent('peer:report', { detail: { peer, report: { class: 'useful' }, reputation: 1 } })
  }

  get component(): PeerManager {
    return this as unknown as PeerManager
  }
}

/** A handshake that notes its goodbyes. */
export class FakeHandshake {
  readonly goodbyes: { peer: PeerId; reason: Reason; referrals?: Referrals }[] = []
  readonly hellos = new Map<string, Hello>()
  readonly ready = new Set<string>()
  /** How a handshake ends; by default at once, and well. */
  whenReady: Handshake['whenReady'] = async () => makeHello()

  get(peer: PeerId): Hello | undefined {
    return this.hellos.get(peer.toString())
  }

  isReady(peer: PeerId): boolean {
    return this.ready.has(peer.toString())
  }

  goodbye(peer: PeerId, reason: Reason, { referrals }: GoodbyeOptions = {}): Promise<void> {
    this.goodbyes.push({ peer, reason, ...(referrals !== undefined && { referrals }) })
    return Promise.resolve()
  }

  get component(): Handshake {
    return this as unknown as Handshake
  }
}

/** A started pool over a fake libp2p. */
export interface PoolRig {
  readonly libp2p: FakeLibp2p
  readonly pool: ConnectionPoolService & { start(): void; afterStart(): void; stop(): Promise<void> }
  readonly manager: FakePeerManager
  readonly handshake: FakeHandshake
  readonly counters: Map<string, number>
  readonly refused: { peer?: PeerId; reason: Reason }[]
  readonly evicted: { peer: PeerId; reason: Reason }[]
}

export function makeRig(
  self: PeerId,
  init: ConnectionPoolInit = {},
  without: readonly string[] = [],
  siblings: Partial<Pick<ConnectionPoolComponents, 'discovery' | 'logger'>> = {},
): PoolRig {
  const libp2p = new FakeLibp2p()
  const [manager, handshake] = [new FakePeerManager(), new FakeHandshake()]
  const counters = new Map<string, number>()
  const parts = connectionPool(init)
  const pool = parts.service({
    peerId: self,
    events: libp2p.events,
    connectionManager: libp2p.connectionManager(),
    logger: defaultLogger(),
    metrics: countingMetrics(counters),
    ...(without.includes('peerManager') ? {} : { peerManager: manager.component }),
    ...(without.includes('handshake') ? {} : { handshake: handshake.component }),
    ...siblings,
  }) as PoolRig['pool']
  if (!without.includes('gater')) libp2p.gater = parts.gater
  const refused: PoolRig['refused'] = []
  const evicted: PoolRig['evicted'] = []
  pool.addEventListener('pool:refused', ({ detail }) => refused.push(detail))
  pool.addEventListener('pool:evicted', ({ detail }) => evicted.push(detail))
  pool.start()
  pool.afterStart()
  return { libp2p, pool, manager, handshake, counters, refused, evicted }
}

/** Metrics that count into a map, as `name label`. */
export function countingMetrics(counters: Map<string, number>): Metrics {
  const group = (name: string, options?: { calculate?: () => Record<string, number> }): unknown => {
    const increment = (values: object): void => {
      for (const label of Object.keys(values))
        counters.set(`${name} ${label}`, (counters.get(`${name} ${label}`) ?? 0) + 1)
    }
    const update = (): void => {
      for (const [label, value] of Object.entries(options?.calculate?.() ?? {})) counters.set(`${name} ${label}`, value)
    }
    if (options?.calculate !== undefined) refreshers.push(update)
    return { increment }
  }
  const refreshers: (() => void)[] = []
  const read = counters.get.bind(counters)
  counters.get = (name) => {
    for (const refresh of refreshers) refresh()
    return read(name)
  }
  return { registerCounterGroup: group, registerMetricGroup: group } as unknown as Metrics
}

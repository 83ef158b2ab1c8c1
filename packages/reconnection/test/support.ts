import type { Handshake, Hello, Parting, PeerManager, PeerRecord, Reason } from '@gridmesh/interfaces'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { NotFoundError, TypedEventEmitter, type Connection, type Libp2pEvents, type PeerId } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { DefaultReconnection } from '../src/default-reconnection.ts'
import type { ReconnectionComponents, ReconnectionInit } from '../src/index.ts'

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

export const [SELF, ...PEERS] = (await makePeerIds(6)) as [PeerId, ...PeerId[]]
export const PEER = at(PEERS, 0)

/** An error as a socket gives it. */
export function systemError(code: string): Error {
  return Object.assign(new TypeError(`connect ${code}`), { name: 'Error', code })
}

interface FakeConnection {
  id: string
  remotePeer: PeerId
  remoteAddr: ReturnType<typeof multiaddr>
  direction: 'inbound' | 'outbound'
  status: 'open' | 'closed'
}

/** A network of one node: peers come and go as the test says, and dials do as `dial` does. */
export class FakeNetwork {
  readonly events = new TypedEventEmitter<Libp2pEvents>()
  readonly #connections = new Map<string, FakeConnection>()
  readonly dials: { peer: PeerId; at: number }[] = []
  readonly banned = new Set<string>()
  readonly records = new Map<string, PeerRecord>()
  readonly told: string[] = []
  running = 0
  mostRunning = 0
  /** What a dial does: refused unless the test says otherwise. */
  dial: (peer: PeerId, signal: AbortSignal | undefined) => Promise<void> = async () => {
    throw systemError('ECONNREFUSED')
  }
  #nextId = 0

  connect(remotePeer: PeerId, direction: 'inbound' | 'outbound' = 'inbound'): FakeConnection {
    const id = String(this.#nextId++)
    const remoteAddr = multiaddr(`/ip4/127.0.0.1/tcp/${4_000 + Number(id)}`)
    const connection: FakeConnection = { id, remotePeer, remoteAddr, direction, status: 'open' }
    this.#connections.set(id, connection)
    this.events.safeDispatchEvent('connection:open', { detail: connection as unknown as Connection })
    return connection
  }

  /** Ends every connection to `peer`. */
  drop(peer: PeerId): void {
    const gone = [...this.#connections.values()].filter(({ remotePeer }) => remotePeer.equals(peer))
    for (const connection of gone) this.close(connection)
    this.events.safeDispatchEvent('peer:disconnect', { detail: peer })
  }

  close(connection: FakeConnection): void {
    connection.status = 'closed'
    this.#connections.delete(connection.id)
    this.events.safeDispatchEvent('connection:close', { detail: connection as unknown as Connection })
  }

  /** libp2p lists a connection that has closed. */
  closeUnnoticed(connection: FakeConnection): void {
    connection.status = 'closed'
    this.events.safeDispatchEvent('connection:close', { detail: connection as unknown as Connection })
  }

  readonly components: ReconnectionComponents = {
    peerId: SELF,
    events: this.events,
    logger: defaultLogger(),
    connectionManager: {
      getConnections: (peer) =>
        [...this.#connections.values()].filter(
          ({ remotePeer }) => peer === undefined || remotePeer.equals(peer),
        ) as unknown as Connection[],
      openConnection: async (target, options) => {
        await this.attempt(target as PeerId, options?.signal)
        return this.connect(target as PeerId, 'outbound') as unknown as Connection
      },
    },
    peerStore: {
      get: async () => {
        throw new NotFoundError()
      },
      merge: async () => {
        throw new NotFoundError()
      },
    },
  }

  async attempt(peer: PeerId, signal: AbortSignal | undefined): Promise<void> {
    this.dials.push({ peer, at: performance.now() })
    this.running += 1
    this.mostRunning = Math.max(this.mostRunning, this.running)
    try {
      await this.dial(peer, signal)
    } finally {
      this.running -= 1
    }
  }

  /** Whether this network reaches `peer` from now on. */
  answer(isUp: boolean): void {
    this.dial = async () => {
      if (!isUp) throw systemError('ECONNREFUSED')
    }
  }
}

type Goodbyes = { 'peer:goodbye': CustomEvent<{ peer: PeerId; reason: Reason }> }

/** A handshake that makes everybody ready, or does as `decide` says. */
export class FakeHandshake extends TypedEventEmitter<Goodbyes> implements Pick<Handshake, 'whenReady'> {
  decide: (peer: PeerId, signal: AbortSignal | undefined) => Promise<void> = async () => {}

  async whenReady(peer: PeerId, options?: { signal?: AbortSignal }): Promise<Hello> {
    await this.decide(peer, options?.signal)
    return {} as Hello
  }

  goodbye(peer: PeerId, code: string): void {
    this.safeDispatchEvent('peer:goodbye', { detail: { peer, reason: { code, message: '' } } })
  }
}

type ManagerEvents = Parameters<PeerManager['addEventListener']>[0]

/** A peer manager as far as the reconnection sees it. */
export class FakePeerManager extends TypedEventEmitter<{
  [name in ManagerEvents]: CustomEvent<{ peer: PeerId; from: 'ready'; to: 'draining' | 'known' }>
}> {
  readonly #network: FakeNetwork

  constructor(network: FakeNetwork) {
    super()
    this.#network = network
  }

  get peers(): Map<string, PeerRecord> {
    return this.#network.records
  }

  get(peer: PeerId): PeerRecord | undefined {
    return this.#network.records.get(peer.toString())
  }

  isBanned(peer: PeerId): boolean {
    return this.#network.banned.has(peer.toString())
  }

  markConnecting(peer: PeerId): void {
    this.#network.told.push(`connecting ${peer.toString()}`)
  }

  markFailed(peer: PeerId): void {
    this.#network.told.push(`failed ${peer.toString()}`)
  }

  drain(peer: PeerId, parting?: Parting): void {
    this.safeDispatchEvent('peer:state', { detail: { peer, from: 'ready', to: 'draining', ...parting } })
  }
}

/** Adds a peer manager to a network. */
export function withManager(network: FakeNetwork): FakePeerManager {
  const manager = new FakePeerManager(network)
  network.components.peerManager = manager as unknown as NonNullable<ReconnectionComponents['peerManager']>
  return manager
}

export function makeRecord(id: PeerId, role: string): PeerRecord {
  return { id, state: 'known', addresses: [], hello: { role } } as unknown as PeerRecord
}

/** A started service on a network, and what it told. */
export function makeService(
  init: ReconnectionInit = {},
  network = new FakeNetwork(),
): { network: FakeNetwork; service: DefaultReconnection; events: string[] } {
  const service = new DefaultReconnection(network.components, init)
  const events: string[] = []
  service.addEventListener('reconnection:attempt', ({ detail }) => events.push(`attempt ${detail.attempt}`))
  service.addEventListener('reconnection:success', ({ detail }) => events.push(`success ${detail.attempts}`))
  service.addEventListener('reconnection:gave-up', ({ detail }) => events.push(`gave-up ${detail.reason}`))
  service.start()
  service.afterStart()
  return { network, service, events }
}

import type {
  Candidate,
  Hello,
  Parting,
  PeerManager,
  PeerQuery,
  PeerRecord,
  PeerState,
  PeerManagerEvents,
} from '@gridmesh/interfaces'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import {
  type Connection,
  type DialTarget,
  isPeerId,
  type Libp2pEvents,
  type PeerId,
  type PrivateKey,
  TypedEventEmitter,
} from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { MemoryDatastore } from 'datastore-core'
import { DefaultDiscovery } from '../src/discovery-service.ts'
import type { DiscoveryComponents, DiscoveryInit, SourcedCandidate, Strategy } from '../src/index.ts'

/** As many keys as asked for, the same in every run. */
export async function makeKeys(count: number, from = 1): Promise<PrivateKey[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const seed = new Uint8Array(32)
      new DataView(seed.buffer).setUint32(0, index + from)
      return generateKeyPairFromSeed('Ed25519', seed)
    }),
  )
}

/** As many peer ids as asked for, the same in every run. */
export async function makePeerIds(count: number, from = 1): Promise<PeerId[]> {
  return (await makeKeys(count, from)).map((key) => peerIdFromPrivateKey(key))
}

/** Element `index`, which the test knows to exist. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`there is no element ${index}`)
  return item
}

/** All that an iterable yields. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}

/** An address of its own for each number, in a network group of its own for each 256. */
export function addressOf(index: number): Multiaddr {
  return multiaddr(`/ip4/${10 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}.1/tcp/9000`)
}

/** Those addresses as text. */
export function named(...indices: number[]): string[] {
  return indices.map((index) => addressOf(index).toString())
}

export function candidateOf(id: PeerId, index: number): Candidate {
  return { id, addresses: [addressOf(index)] }
}

/** A candidate with addresses that it signed. */
export function signedCandidateOf(id: PeerId, seq: bigint, ...indices: number[]): SourcedCandidate {
  const addresses = indices.map(addressOf)
  return { id, addresses, record: { seq, addresses } }
}

/** A strategy that offers the same peers each time, and notes what it is told. */
export class ListStrategy implements Strategy {
  readonly name: string
  readonly isFallback: boolean
  readonly told: string[] = []
  runs = 0
  offers: SourcedCandidate[]
  feels: Candidate[] = []

  constructor(name: string, offers: SourcedCandidate[], isFallback = false) {
    this.name = name
    this.offers = offers
    this.isFallback = isFallback
  }

  async *discover(): AsyncGenerator<SourcedCandidate> {
    this.runs++
    yield* this.offers
  }

  found(candidate: SourcedCandidate, by: string): void {
    this.told.push(`${by} found ${candidate.id.toString()}`)
  }

  succeeded(candidate: Candidate): void {
    this.told.push(`succeeded ${candidate.id.toString()} ${candidate.addresses.join()} ${candidate.role ?? ''}`.trim())
  }

  failed(peer: PeerId): void {
    this.told.push(`failed ${peer.toString()}`)
  }

  feeler(): Candidate | undefined {
    return this.feels[0]
  }
}

interface FakeConnection {
  remotePeer: PeerId
  remoteAddr: Multiaddr
  direction: 'inbound' | 'outbound'
  status: 'open' | 'closed'
  close(): Promise<void>
}

/** A world of peers that can be dialled, as libp2p's components. Nothing in it waits but for timers. */
export class FakeWorld {
  readonly events = new TypedEventEmitter<Libp2pEvents>()
  readonly connections: FakeConnection[] = []
  /** Peer id strings that answer. */
  readonly reachable = new Set<string>()
  /** Whether they answer at an address. */
  isThere: (address: Multiaddr) => boolean = () => true
  /** Dials in order, by peer id string. */
  readonly dials: { peer: string; addresses: string[]; at: number }[] = []
  dialMs = 10
  active = 0
  maxActive = 0
  /** Called for each dial in place of what `reachable` says. */
  onDial: ((peer: PeerId, signal: AbortSignal | undefined) => Promise<void>) | undefined

  open(
    peer: PeerId,
    direction: 'inbound' | 'outbound' = 'inbound',
    remoteAddr = multiaddr('/ip4/192.0.2.1/tcp/1'),
    status: 'open' | 'closed' = 'open',
  ): FakeConnection {
    const connection: FakeConnection = {
      remotePeer: peer,
      remoteAddr,
      direction,
      status,
      close: async () => this.close(peer),
    }
    if (status === 'open') this.connections.push(connection)
    this.events.safeDispatchEvent('connection:open', { detail: connection as unknown as Connection })
    return connection
  }

  close(peer: PeerId): void {
    for (const connection of this.connections.splice(0)) {
      if (connection.remotePeer.equals(peer)) connection.status = 'closed'
      else this.connections.push(connection)
    }
    this.events.safeDispatchEvent('peer:disconnect', { detail: peer })
  }

  linked(): string[] {
    return this.connections.map(({ remotePeer }) => remotePeer.toString())
  }

  components(self: PeerId, siblings: Partial<DiscoveryComponents> = {}): DiscoveryComponents {
    return {
      peerId: self,
      events: this.events,
      connectionManager: {
        getConnections: (peer?: PeerId) =>
          this.connections.filter(
            (one) => peer === undefined || one.remotePeer.equals(peer),
          ) as unknown as Connection[],
        openConnection: async (target: DialTarget, options?: { signal?: AbortSignal }) =>
          (await this.dial(target, options?.signal)) as unknown as Connection,
      },
      peerStore: { forEach: async () => undefined, get: async () => ({ protocols: [] }) },
      registrar: { handle: async () => undefined, unhandle: async () => undefined },
      datastore: new MemoryDatastore(),
      logger: defaultLogger(),
      ...siblings,
    } as unknown as DiscoveryComponents
  }

  async dial(target: DialTarget, signal?: AbortSignal): Promise<FakeConnection> {
    const addresses = isPeerId(target) ? [] : [target].flat()
    const peer = isPeerId(target) ? target : peerIdFromString(addresses[0]?.getComponents().at(-1)?.value ?? '')
    const key = peer.toString()
    this.dials.push({ peer: key, addresses: addresses.map(String), at: performance.now() })
    this.active++
    this.maxActive = Math.max(this.maxActive, this.active)
    try {
      if (this.onDial !== undefined) await this.onDial(peer, signal)
      else {
        await pass(this.dialMs, signal)
        if (!this.reachable.has(key) || !addresses.every(this.isThere)) throw new RangeError('refused')
      }
      return this.open(peer, 'outbound', addresses[0])
    } finally {
      this.active--
    }
  }
}

/** Resolves after a while, or rejects as soon as the signal aborts, and leaves no timer then. */
async function pass(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(new RangeError('aborted'))
    })
  })
}

/** A coordinator in a world of its own. */
export function makeDiscovery(
  self: PeerId,
  init: DiscoveryInit,
  siblings: Partial<DiscoveryComponents> = {},
): { world: FakeWorld; service: DefaultDiscovery } {
  const world = new FakeWorld()
  return { world, service: new DefaultDiscovery(world.components(self, siblings), init) }
}

/** The part of a peer manager that discovery asks; peers become ready by hand. */
export class FakePeerManager extends TypedEventEmitter<PeerManagerEvents> {
  readonly records = new Map<string, { id: PeerId; state: PeerState; hello?: Hello }>()
  readonly banned = new Set<string>()
  readonly told: string[] = []

  ready(id: PeerId, role = 'prosumer', region = 'north'): void {
    this.records.set(id.toString(), { id, state: 'ready', hello: { role, region } as Hello })
    this.safeDispatchEvent('peer:state', { detail: { peer: id, from: 'connected', to: 'ready' } })
  }

  gone(id: PeerId, parting: Partial<Parting> = {}): void {
    this.records.delete(id.toString())
    const to = parting.by === undefined ? 'known' : 'draining'
    this.safeDispatchEvent('peer:state', { detail: { peer: id, from: 'ready', to, ...parting } })
  }

  get(id: PeerId): PeerRecord | undefined {
    return this.records.get(id.toString()) as PeerRecord | undefined
  }

  select({ role, region }: PeerQuery = {}): PeerRecord[] {
    const fits = [...this.records.values()].filter(
      ({ hello }) => (role ?? hello?.role) === hello?.role && (region ?? hello?.region) === hello?.region,
    )
    return fits as unknown as PeerRecord[]
  }

  isBanned(id: PeerId): boolean {
    return this.banned.has(id.toString())
  }

  markConnecting(id: PeerId): void {
    this.told.push(`connecting ${id.toString()}`)
  }

  markFailed(id: PeerId): void {
    this.told.push(`failed ${id.toString()}`)
  }

  report(id: PeerId, { class: what }: Parameters<PeerManager['report']>[1]): void {
    this.told.push(`${what} ${id.toString()}`)
  }
}

/** A handshake that finds everybody ready. */
export const AGREEABLE = { isReady: () => true, whenReady: async () => ({}) as Hello }

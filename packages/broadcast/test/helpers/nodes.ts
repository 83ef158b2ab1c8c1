import type { Lane, PeerQuery, PeerRecord, PeerReport, PeerState, SubscribeOptions } from '@gridmesh/interfaces'
import { type GossipSub, gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { fromString } from 'uint8arrays/from-string'
import { vi } from 'vitest'
import {
  broadcast,
  type BroadcastComponents,
  type BroadcastInit,
  type BroadcastPeerManager,
  type BroadcastService,
} from '../../src/index.ts'
import { TestUnicast } from './test-unicast.ts'

export const CHAIN_ID = 'test-chain'
/** How long a test waits for what must happen, in ms: long, since many tests share the machine. */
export const PATIENCE_MS = 15_000

/** Waits until `check` no longer throws. */
export async function eventually(check: () => void): Promise<void> {
  await vi.waitFor(check, { timeout: PATIENCE_MS, interval: 5 })
}

/** A peer manager that holds whoever it is told to, and writes down what it hears. */
export class TestPeerManager implements BroadcastPeerManager {
  readonly peers = new Map<string, PeerRecord>()
  readonly reports: { peer: string; report: PeerReport }[] = []
  readonly traffic: { peer: string; lane: Lane; direction: 'in' | 'out'; bytes: number }[] = []
  readonly scores = new Map<string, number>()

  hold(id: PeerId, state: PeerState = 'ready', role = 'consumer'): void {
    const none = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 }
    this.peers.set(id.toString(), {
      id,
      state,
      addresses: [],
      height: 0,
      firstSeenMs: 0,
      lastSeenMs: 0,
      traffic: { critical: none, high: none, normal: none, bulk: none },
      failures: 0,
      reputation: 0,
      hello: {
        protocol: { min: 1, max: 1 },
        chainId: CHAIN_ID,
        genesisHash: '',
        height: 0,
        tipHash: '',
        role,
        region: 'north',
        capabilities: [],
        listenAddresses: [],
        userAgent: 'test',
        timeMs: 0,
      },
    })
  }

  select(query: PeerQuery = {}): PeerRecord[] {
    return [...this.peers.values()].filter((record) => record.state === 'ready' && record.hello?.role === query.role)
  }

  reputation(peer: PeerId): number {
    return this.scores.get(peer.toString()) ?? 0
  }

  report(peer: PeerId, report: PeerReport): void {
    this.reports.push({ peer: peer.toString(), report })
  }

  countTraffic(peer: PeerId, lane: Lane, direction: 'in' | 'out', bytes: number): void {
    this.traffic.push({ peer: peer.toString(), lane, direction, bytes })
  }

  classesOf(peer: PeerId): string[] {
    return this.reports.filter((entry) => entry.peer === peer.toString()).map((entry) => entry.report.class)
  }
}

/** One node with what a test looks at. */
export interface TestNode {
  libp2p: Libp2p
  peerId: PeerId
  broadcast: BroadcastService
  unicast: TestUnicast | undefined
  manager: TestPeerManager | undefined
}

export interface TestNodeInit extends Partial<BroadcastInit> {
  /** Whether to start it. @default true */
  start?: boolean
  hasUnicast?: boolean
  manager?: TestPeerManager
  handshake?: BroadcastComponents['handshake']
  rateLimiter?: BroadcastComponents['rateLimiter']
}

const running: Libp2p[] = []
let addresses = 0

/** A node over memory, plaintext and yamux; `stopNodes` stops it. */
export async function createNode(init: TestNodeInit = {}): Promise<TestNode> {
  const { start = true, hasUnicast = true, manager, handshake, rateLimiter, ...rest } = init
  const libp2p = await createLibp2p({
    start,
    addresses: { listen: [`/memory/broadcast-${process.pid}-${addresses++}`] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      identify: identify(),
      ...(hasUnicast && {
        unicast: (components: ConstructorParameters<typeof TestUnicast>[0]) => new TestUnicast(components),
      }),
      ...(manager && { peerManager: () => manager }),
      ...(handshake && { handshake: () => handshake }),
      ...(rateLimiter && { rateLimiter: () => rateLimiter }),
      broadcast: broadcast({ chainId: CHAIN_ID, gossipsub: { heartbeatInterval: 100 }, ...rest }),
    },
  })
  const { services } = libp2p
  const node = { libp2p, peerId: libp2p.peerId, broadcast: services.broadcast, unicast: services.unicast, manager }
  running.push(libp2p)
  return node
}

/** A peer that is no node of ours: it sends what it likes, by gossip and by unicast. */
export interface RawPeer {
  libp2p: Libp2p
  peerId: PeerId
  pubsub: GossipSub
  unicast: TestUnicast
}

export async function createRawPeer(): Promise<RawPeer> {
  let messages = 0
  const libp2p = await createLibp2p({
    addresses: { listen: [`/memory/broadcast-${process.pid}-${addresses++}`] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      identify: identify(),
      unicast: (components: ConstructorParameters<typeof TestUnicast>[0]) => new TestUnicast(components),
      pubsub: gossipsub({
        globalSignaturePolicy: StrictNoSign,
        allowPublishToZeroTopicPeers: true,
        floodPublish: true,
        heartbeatInterval: 100,
        // Each message is new to it, so it sends on whatever it is told to, as often as it is told to.
        msgIdFn: () => fromString(`raw-${messages++}`),
      }),
    },
  })
  const { pubsub, unicast } = libp2p.services
  running.push(libp2p)
  return { libp2p, peerId: libp2p.peerId, pubsub, unicast }
}

/** Connects a raw peer and waits until either side can gossip to the other. */
export async function meet(peer: RawPeer, node: TestNode, topic: string): Promise<void> {
  peer.pubsub.subscribe(wireTopic(topic))
  await node.libp2p.dial(peer.libp2p.getMultiaddrs())
  await eventually(() => {
    const isHeard = node.broadcast.mesh(topic).some((id) => id.equals(peer.peerId))
    const { pubsub } = peer
    const streams =
      'streamsOutbound' in pubsub && pubsub.streamsOutbound instanceof Map ? pubsub.streamsOutbound : new Map()
    const isSubscriber = pubsub.getSubscribers(wireTopic(topic)).some((id) => id.equals(node.peerId))
    if (!isHeard || !isSubscriber || !streams.has(node.peerId.toString())) throw new RangeError('not met')
  })
}

export function wireTopic(topic: string): string {
  return `/gridmesh/${CHAIN_ID}/${topic}/1`
}

export async function createNodes(count: number, init: TestNodeInit = {}): Promise<TestNode[]> {
  return Promise.all(Array.from({ length: count }, () => createNode(init)))
}

export async function connect(from: TestNode, to: TestNode): Promise<void> {
  await from.libp2p.dial(to.libp2p.getMultiaddrs())
}

/** Connects every pair. */
export async function connectAll(all: TestNode[]): Promise<void> {
  await Promise.all(all.flatMap((from, i) => all.slice(i + 1).map((to) => connect(from, to))))
}

/** Connects each node to the next. */
export async function connectLine(all: TestNode[]): Promise<void> {
  await Promise.all(all.slice(1).map((to, i) => connect(nodeAt(all, i), to)))
}

export function nodeAt(all: TestNode[], index: number): TestNode {
  const node = all.at(index)
  if (node === undefined) throw new RangeError(`no node ${index}`)
  return node
}

/** Subscribes each node and gathers what its handler accepts. */
export function collect(all: TestNode[], topic: string, options: SubscribeOptions = {}): Map<string, Uint8Array[]> {
  const received = new Map<string, Uint8Array[]>(all.map((node) => [node.peerId.toString(), []]))
  for (const node of all) {
    const take = (bytes: Uint8Array): 'accept' => {
      received.get(node.peerId.toString())?.push(bytes)
      return 'accept'
    }
    node.broadcast.subscribe(topic, take, options)
  }
  return received
}

/** Waits until the node's mesh of `topic` has `size` peers. */
export async function meshOf(node: TestNode, topic: string, size: number): Promise<void> {
  await eventually(() => {
    if (node.broadcast.mesh(topic).length < size) throw new RangeError(`mesh has ${node.broadcast.mesh(topic).length}`)
  })
}

export async function stopNodes(): Promise<void> {
  // One after the other: two that close the same streams at once wait for each other.
  for (const libp2p of running.splice(0)) await libp2p.stop()
}

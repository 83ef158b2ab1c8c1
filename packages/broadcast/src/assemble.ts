import { gossipsub } from '@libp2p/gossipsub'
import { AckCarrier } from './ack-carrier.ts'
import { Announcements } from './announcements.ts'
import { ChunkClient } from './chunk-client.ts'
import { ChunkServer } from './chunk-server.ts'
import { CHUNK_BYTES, CHUNK_OVERHEAD_BYTES, FIRST_CHUNK_MS, MAX_CHUNKS_PER_REQUEST } from './constants.ts'
import { Deliveries } from './deliveries.ts'
import { DirectCarrier } from './direct-carrier.ts'
import { DuplicateCache } from './duplicate-cache.ts'
import { FrameReader } from './frame-reader.ts'
import { GossipCarrier } from './gossip-carrier.ts'
import { GossipIds } from './gossip-ids.ts'
import { gossipOptions } from './gossip-options.ts'
import { GossipRouter } from './gossip-router.ts'
import { GossipTopology } from './gossip-topology.ts'
import { GossipTraffic } from './gossip-traffic.ts'
import { Inbox } from './inbox.ts'
import type { BroadcastComponents, BroadcastInit } from './index.ts'
import { BroadcastMetrics } from './metrics.ts'
import { type BroadcastOptions, resolveOptions } from './options.ts'
import { Peers } from './peers.ts'
import { Publisher } from './publisher.ts'
import { Puller } from './puller.ts'
import { RetainedPayloads } from './retained-payloads.ts'
import { Sender } from './sender.ts'
import { SendQueue } from './send-queue.ts'
import { Siblings } from './siblings.ts'
import { Topics } from './topics.ts'
import { TreeCarrier } from './tree-carrier.ts'
import { TreeMessages } from './tree-messages.ts'
import { Trees } from './trees.ts'

/** What a broadcast is made of. */
export interface Parts {
  options: BroadcastOptions
  topics: Topics
  deliveries: Deliveries
  queue: SendQueue
  inbox: Inbox
  ids: GossipIds
  router: GossipRouter
  acks: AckCarrier
  gossip: GossipCarrier
  direct: DirectCarrier
  tree: TreeCarrier
  retained: RetainedPayloads
  puller: Puller
  server: ChunkServer
  publisher: Publisher
  siblings: Siblings
  peers: Peers
}

/** Puts the parts together; nothing runs yet. */
export function assemble(components: BroadcastComponents, init: BroadcastInit): Parts {
  const options = resolveOptions(init)
  const log = components.logger.forComponent('gridmesh:broadcast')
  const topics = new Topics(init.chainId)
  const metrics = new BroadcastMetrics(components.metrics)
  const siblings = new Siblings(components)
  const peers = new Peers(components.connectionManager, siblings)
  const cache = new DuplicateCache(options.maxIds, options.idLifetimeMs)
  const deliveries = new Deliveries(options.maxDeliveries, options.deliveryLifetimeMs)
  const queue = new SendQueue(options.maxConcurrentSends, options.maxQueuedSends)
  const retained = new RetainedPayloads(options.maxRetainedBytes, options.retainMs)
  const { peerId } = components
  const shared = { ...options, peerId, siblings, log, topics, metrics, peers, cache, deliveries, queue, retained }
  const inbox = new Inbox(shared)
  const frames = new FrameReader(options)
  const ids = new GossipIds(frames)
  const client = new ChunkClient(siblings, options.chunkDeadlineMs)
  const puller = new Puller({
    ...shared,
    chunksPerRequest: chunksPerRequest(options),
    firstChunkMs: FIRST_CHUNK_MS,
    ask: (peer, ask) => client.ask(peer, ask),
    isReachable: (peer) => peers.isReachable(peer),
    report: (peer, report) => peers.report(peer, report),
  })
  const announcements = new Announcements({ ...shared, inbox, puller, canPull: () => client.isAvailable })
  const acks = new AckCarrier({
    ...shared,
    isEnabled: options.acks,
    delayMs: options.ackDelayMs,
    maxIdsPerBatch: options.maxAcksPerBatch,
    maxIdsPerSecond: options.maxAcksPerSecond,
    onUnknown: (id, peer) => puller.addSource(id, peer),
  })
  const sender = new Sender(shared)
  const direct = new DirectCarrier({ ...shared, inbox, announcements, acks, sender })

  const isWanted = (wireTopic: string): boolean => router.isSubscribed(wireTopic)
  const topology = new GossipTopology(components, {
    used: (peer) => siblings.connectionPool?.find(peer),
    isReady: (peer) => peers.isReady(peer),
  })
  const routerOptions = gossipOptions({ ...options, siblings, topology, ids, tuning: init.gossipsub ?? {}, isWanted })
  const gossipRouter =
    init.gossip?.(topology.components, routerOptions) ?? gossipsub(routerOptions)(topology.components)
  const router = new GossipRouter(gossipRouter, topology, log)
  const traffic = new GossipTraffic({ siblings, topology, frames })
  traffic.follow(gossipRouter)
  const gossip = new GossipCarrier({ ...shared, inbox, announcements, ids, acks, router, traffic })
  const trees = new Trees({ peers, router, gossipFactor: options.gossipFactor })
  const messages = new TreeMessages(options.maxTreeBytes, options.treeLifetimeMs)
  const tree = new TreeCarrier({ ...shared, inbox, announcements, puller, acks, sender, router, trees, messages })
  const server = new ChunkServer(shared)
  const publisher = new Publisher({ ...shared, options, gossip, tree, ids, sender })
  return {
    options,
    topics,
    peers,
    deliveries,
    queue,
    inbox,
    ids,
    router,
    acks,
    gossip,
    direct,
    tree,
    retained,
    puller,
    server,
    publisher,
    siblings,
  }
}

/** As many as fit an answer that is no longer than what may be pushed: what carries the one carries the other. */
function chunksPerRequest({ maxPushedBytes }: BroadcastOptions): number {
  const fitting = Math.floor(maxPushedBytes / (CHUNK_BYTES + CHUNK_OVERHEAD_BYTES))
  return Math.min(Math.max(fitting, 1), MAX_CHUNKS_PER_REQUEST)
}

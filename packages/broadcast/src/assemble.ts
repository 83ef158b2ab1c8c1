import { gossipsub } from '@libp2p/gossipsub'
import { AckCarrier } from './ack-carrier.ts'
import { Deliveries } from './deliveries.ts'
import { DirectCarrier } from './direct-carrier.ts'
import { DuplicateCache } from './duplicate-cache.ts'
import { GossipCarrier } from './gossip-carrier.ts'
import { GossipIds } from './gossip-ids.ts'
import { gossipOptions } from './gossip-options.ts'
import { GossipRouter } from './gossip-router.ts'
import { Inbox } from './inbox.ts'
import type { BroadcastComponents, BroadcastInit } from './index.ts'
import { BroadcastMetrics } from './metrics.ts'
import { type BroadcastOptions, resolveOptions } from './options.ts'
import { Peers } from './peers.ts'
import { Sender } from './sender.ts'
import { SendQueue } from './send-queue.ts'
import { Topics } from './topics.ts'

/** What a broadcast is made of. */
export interface Parts {
  options: BroadcastOptions
  topics: Topics
  metrics: BroadcastMetrics
  peers: Peers
  cache: DuplicateCache
  deliveries: Deliveries
  queue: SendQueue
  inbox: Inbox
  ids: GossipIds
  router: GossipRouter
  acks: AckCarrier
  gossip: GossipCarrier
  direct: DirectCarrier
  sender: Sender
}

/** Puts the parts together; nothing runs yet. */
export function assemble(components: BroadcastComponents, init: BroadcastInit): Parts {
  const options = resolveOptions(init)
  const log = components.logger.forComponent('gridmesh:broadcast')
  const topics = new Topics(init.chainId)
  const metrics = new BroadcastMetrics(components.metrics)
  const peers = new Peers(components)
  const cache = new DuplicateCache(options.maxIds, options.idLifetimeMs)
  const deliveries = new Deliveries(options.maxDeliveries, options.deliveryLifetimeMs)
  const queue = new SendQueue(options.maxConcurrentSends, options.maxQueuedSends)
  const shared = { ...options, components, log, topics, metrics, peers, cache, deliveries, queue }
  const inbox = new Inbox(shared)
  const ids = new GossipIds(options.maxMessageBytes)
  const acks = new AckCarrier({
    ...shared,
    isEnabled: options.acks,
    delayMs: options.ackDelayMs,
    maxIdsPerBatch: options.maxAcksPerBatch,
    maxIdsPerSecond: options.maxAcksPerSecond,
  })
  const sender = new Sender(shared)
  const direct = new DirectCarrier({ ...shared, inbox, sender })

  const isWanted = (wireTopic: string): boolean => router.isSubscribed(wireTopic)
  const routerOptions = gossipOptions({ ...options, components, ids, tuning: init.gossipsub ?? {}, isWanted })
  const router = new GossipRouter(init.gossip?.(components, routerOptions) ?? gossipsub(routerOptions)(components))
  const gossip = new GossipCarrier({ ...shared, inbox, ids, acks, router })
  return { options, topics, metrics, peers, cache, deliveries, queue, inbox, ids, router, acks, gossip, direct, sender }
}

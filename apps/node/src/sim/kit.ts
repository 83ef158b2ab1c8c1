import { createHash } from 'node:crypto'
import { broadcast } from '@gridmesh/broadcast'
import { type ConnectionPoolService, connectionPool, libp2pLimits } from '@gridmesh/connection-pool'
import { type HealthService, healthMonitor } from '@gridmesh/health-monitor'
import type { ConnectionPool, Health, Reconnection } from '@gridmesh/interfaces'
import { discovery } from '@gridmesh/discovery-coordinator'
import { peerManager } from '@gridmesh/peer-manager'
import { rateLimiter } from '@gridmesh/rate-limiter'
import { type ReconnectionService, reconnection } from '@gridmesh/reconnection'
import type { NodeOptions, NodePlan } from '@gridmesh/simnet'
import type { ModuleServices, NodeKit, NodeSettings, Usage } from '@gridmesh/simnet/scenarios'
import { unicast } from '@gridmesh/unicast'
import { nodeConfigSchema } from '../config/schema.ts'
import type { Genesis } from '../genesis.ts'
import { discoveryOptions, discoveryStats } from '../links/discovery.ts'
import { defaultModules } from '../modules.ts'
import { Gauges } from './gauges.ts'

const CHAIN_ID = 'simnet'
const GENESIS: Genesis = {
  chainId: CHAIN_ID,
  hash: createHash('sha256').update(CHAIN_ID).digest('hex'),
  zones: new Set(['simnet']),
  authorities: new Map(),
  ledger: undefined,
}
/** Bounds of `unicast`, less than usual, so that scenarios come to them. */
const CALL_LIMITS = { maxKeys: 8, maxHandlers: 64, maxQueued: 128 }
/** Pairs of peer and protocol of which the rate limiter knows, with room for all that a node may be linked to. */
const MAX_RATE_KEYS = 2_000
/** What modules hold at most, by gauge and label; of lanes with a room of their own as much again. */
const GAUGED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  gridmesh_message_router_queue_depth_messages: { critical: 1_024, high: 4_096, normal: 16_384, bulk: 256 },
  gridmesh_unicast_handlers_count: {
    running: 2 * CALL_LIMITS.maxHandlers,
    waiting: 2 * CALL_LIMITS.maxQueued,
    remembered: CALL_LIMITS.maxKeys,
  },
  gridmesh_rate_limiter_held_keys: { '': MAX_RATE_KEYS },
  gridmesh_discovery_coordinator_stored_peers: { new: 4_096, tried: 1_024 },
}

/** The modules of a Gridmesh node, wired as `createNode` wires them, for scenarios of the simulator. */
export const gridmeshKit: NodeKit = {
  build: (plan, settings) => (settings.modules === 'all' ? wholeNode(plan, settings) : gossipNode(settings)),
  usage: (services, settings) =>
    settings.modules === 'all' ? wholeUsage(services, settings) : registryUsage(services, settings),
}

/** All modules of a node, and what it says of a chain beside them. */
export function wholeNode(plan: NodePlan, settings: NodeSettings, hasChain = false): NodeOptions<ModuleServices> {
  const { minPeers, targetPeers, maxInbound, maxPeers, messagesPerSecond, strategy } = settings
  const own = `/p2p/${plan.peerId.toString()}`
  const entries = settings.bootstrap.filter((address) => !address.endsWith(own))
  const config = nodeConfigSchema.parse({
    region: plan.region,
    p2p: { minPeers, bootstrap: entries },
    discovery: { targetPeers },
    broadcast: { strategy },
    chain: { enabled: hasChain },
    pool: { maxInbound },
    limits: { messagesPerSecond, messagesBurst: 2 * messagesPerSecond },
  })
  const limits = { ...config.pool, minPeers }
  const pool = connectionPool(limits)
  // Ping is the simulator's, and nothing is shut down but by the scenario.
  const { ping: _ping, shutdown: _shutdown, ...modules } = defaultModules(config, GENESIS, pool)
  const gauges = new Gauges()
  const services = {
    ...modules,
    // As they are in a node, but for their bounds, which no configuration sets.
    peerManager: peerManager({ minPeers, maxPeers }),
    discovery: discovery({ ...discoveryOptions(config, CHAIN_ID), maxCandidates: maxPeers }),
    reconnection: reconnection({ bootstrap: entries, maxPeers }),
    health: healthMonitor({ pingIntervalMs: config.p2p.pingIntervalMs, ...config.health, maxPeers }),
    unicast: unicast({ maxMessageBytes: config.messages.maxBytes, ...CALL_LIMITS }),
    rateLimiter: rateLimiter({ ...config.limits, maxKeys: MAX_RATE_KEYS }),
    gauges: () => gauges,
  }
  return {
    connectionGater: pool.gater,
    maxConnections: libp2pLimits(limits).maxConnections,
    metrics: () => gauges,
    services,
  }
}

function gossipNode({ minPeers, maxPeers, gossipDegree }: NodeSettings): NodeOptions<ModuleServices> {
  return {
    services: {
      peerManager: peerManager({ minPeers, maxPeers }),
      health: healthMonitor({ maxPeers }),
      broadcast: broadcast({ chainId: CHAIN_ID, gossipsub: { D: gossipDegree } }),
    },
  }
}

function* registryUsage({ peerManager: { peers } }: ModuleServices, { maxPeers }: NodeSettings): Iterable<Usage> {
  yield { name: 'peers in the registry', used: peers.size, limit: maxPeers }
}

/** What is bounded, and can be read. */
export function* wholeUsage(services: ModuleServices, settings: NodeSettings): Iterable<Usage> {
  yield* registryUsage(services, settings)
  const { connectionPool: pool, discovery: search, health, reconnection: again } = services
  if (isPool(pool)) {
    for (const [slot, usage] of Object.entries(pool.usage())) yield { name: `${slot} connections`, ...usage }
  }
  const found = discoveryStats(search)
  const { maxPeers } = settings
  if (found !== undefined) yield { name: 'candidates of discovery', used: found.candidates, limit: maxPeers }
  if (isReconnection(again)) {
    yield { name: 'peers of reconnection', used: again.peers().length, limit: maxPeers }
  }
  if (isHealth(health)) {
    yield { name: 'peers of the health monitor', used: health.snapshot().length, limit: maxPeers }
  }
  if (hasGauges(services)) yield* gauged(services.gauges)
}

function* gauged(gauges: Gauges): Iterable<Usage> {
  for (const [name, limits] of Object.entries(GAUGED)) {
    const readings = gauges.read(name)
    for (const [label, limit] of Object.entries(limits)) {
      // What nobody tells any more is not to look as if it were empty.
      yield { name: `${name} ${label}`.trimEnd(), used: readings.get(label) ?? Infinity, limit }
    }
  }
}

function hasGauges(services: ModuleServices): services is ModuleServices & { gauges: Gauges } {
  return 'gauges' in services && services.gauges instanceof Gauges
}

// The contracts tell nothing of sizes; our modules do.
function isPool(pool: ConnectionPool): pool is ConnectionPoolService {
  return 'usage' in pool
}

function isReconnection(again: Reconnection): again is ReconnectionService {
  return 'peers' in again
}

function isHealth(health: Health): health is HealthService {
  return 'snapshot' in health
}

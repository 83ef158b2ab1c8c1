import { createHash } from 'node:crypto'
import { broadcast } from '@gridmesh/broadcast'
import { type ConnectionPoolService, connectionPool, libp2pLimits } from '@gridmesh/connection-pool'
import { type HealthService, healthMonitor } from '@gridmesh/health-monitor'
import type { ConnectionPool, Health, Reconnection } from '@gridmesh/interfaces'
import { peerManager } from '@gridmesh/peer-manager'
import type { ReconnectionService } from '@gridmesh/reconnection'
import type { NodeOptions, NodePlan } from '@gridmesh/simnet'
import type { ModuleServices, NodeKit, NodeSettings, Usage } from '@gridmesh/simnet/scenarios'
import { nodeConfigSchema } from '../config/schema.ts'
import type { Genesis } from '../genesis.ts'
import { discoveryStats } from '../links/discovery.ts'
import { defaultModules } from '../modules.ts'

const CHAIN_ID = 'simnet'
const GENESIS: Genesis = {
  chainId: CHAIN_ID,
  hash: createHash('sha256').update(CHAIN_ID).digest('hex'),
  zones: new Set(['simnet']),
  authorities: new Map(),
  ledger: undefined,
}
/** Candidates that discovery holds, and peers that reconnection tracks and the health monitor measures: the defaults. */
const MAX_CANDIDATES = 1_000
const MAX_TRACKED = 1_000
const MAX_MEASURED = 10_000

/** The modules of a Gridmesh node, wired as `createNode` wires them, for scenarios of the simulator. */
export const gridmeshKit: NodeKit = {
  build: (plan, settings) => (settings.modules === 'all' ? wholeNode(plan, settings) : gossipNode(settings)),
  usage: (services, settings) =>
    settings.modules === 'all' ? wholeUsage(services, settings) : registryUsage(services, settings),
}

/** All modules of a node, and what it says of a chain beside them. */
export function wholeNode(plan: NodePlan, settings: NodeSettings, hasChain = false): NodeOptions<ModuleServices> {
  const { minPeers, targetPeers, maxInbound, maxPeers, messagesPerSecond } = settings
  const own = `/p2p/${plan.peerId.toString()}`
  const entries = settings.bootstrap.filter((address) => !address.endsWith(own))
  const config = nodeConfigSchema.parse({
    region: plan.region,
    p2p: { minPeers, bootstrap: entries },
    discovery: { targetPeers },
    chain: { enabled: hasChain },
    pool: { maxInbound },
    limits: { messagesPerSecond, messagesBurst: 2 * messagesPerSecond },
  })
  const limits = { ...config.pool, minPeers }
  const pool = connectionPool(limits)
  // Ping is the simulator's, and nothing is shut down but by the scenario.
  const { ping: _ping, shutdown: _shutdown, ...modules } = defaultModules(config, GENESIS, pool)
  return {
    connectionGater: pool.gater,
    maxConnections: libp2pLimits(limits).maxConnections,
    services: { ...modules, peerManager: peerManager({ minPeers, maxPeers }) },
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
  const { connectionPool: pool, discovery: search, health, reconnection } = services
  if (isPool(pool)) {
    for (const [slot, usage] of Object.entries(pool.usage())) yield { name: `${slot} connections`, ...usage }
  }
  const found = discoveryStats(search)
  if (found !== undefined) yield { name: 'candidates of discovery', used: found.candidates, limit: MAX_CANDIDATES }
  if (isReconnection(reconnection)) {
    yield { name: 'peers of reconnection', used: reconnection.peers().length, limit: MAX_TRACKED }
  }
  if (isHealth(health)) {
    yield { name: 'peers of the health monitor', used: health.snapshot().length, limit: MAX_MEASURED }
  }
}

// The contracts tell nothing of sizes; our modules do.
function isPool(pool: ConnectionPool): pool is ConnectionPoolService {
  return 'usage' in pool
}

function isReconnection(reconnection: Reconnection): reconnection is ReconnectionService {
  return 'peers' in reconnection
}

function isHealth(health: Health): health is HealthService {
  return 'snapshot' in health
}

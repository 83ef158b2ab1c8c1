import { z } from 'zod'
import type { GridmeshNode } from '../../node.ts'
import { VERSION } from '../../version.ts'
import { discoveryStats } from '../../links/discovery.ts'
import { unreachedTopics } from '../../links/unreached.ts'
import { HttpRefusalError, success } from '../answers.ts'
import { nodeDiscovery, nodeHealth, nodeInfo } from '../schemas.ts'
import type { Api } from '../server.ts'

/** Blocks a node may lag behind its peers and still count as in step. */
const SYNC_TOLERANCE = 10

/** What the node says of itself: `/node/info`, `/node/health`, `/node/discovery`, `/node/config`. */
export function nodeRoutes(api: Api, node: GridmeshNode): void {
  api.get('/node/info', { schema: { response: { 200: success(nodeInfo) } } }, () => ({
    success: true as const,
    data: describe(node),
  }))

  api.get('/node/health', { schema: { response: { 200: success(nodeHealth) } } }, () => ({
    success: true as const,
    data: measure(node),
  }))

  api.get('/node/discovery', { schema: { response: { 200: success(nodeDiscovery) } } }, () => ({
    success: true as const,
    data: searching(node),
  }))

  const config = z.record(z.string(), z.unknown())
  api.get('/node/config', { schema: { response: { 200: success(config) } } }, () => {
    const { token, ...http } = node.config.http
    const shown = { ...node.config, http: { ...http, ...(token === undefined ? {} : { token: '(secret)' }) } }
    return { success: true as const, data: shown }
  })
}

function describe(node: GridmeshNode): z.infer<typeof nodeInfo> {
  const { config, genesis, libp2p } = node
  const ready = libp2p.services.peerManager.select()
  const height = node.height
  const best = Math.max(height, ...ready.map((record) => record.height))
  return {
    name: config.name,
    version: VERSION,
    node_type: config.role,
    region: config.region,
    chain_id: genesis.chainId,
    address: libp2p.peerId.toString(),
    multiaddrs: libp2p.getMultiaddrs().map(String),
    p2p_port: node.p2pPort,
    api_port: node.apiPort,
    peer_count: ready.length,
    height,
    uptime: node.uptimeMs / 1_000,
    is_syncing: best - height > SYNC_TOLERANCE,
    sync_progress: best === 0 ? 1 : height / best,
  }
}

function measure(node: GridmeshNode): z.infer<typeof nodeHealth> {
  const { health, peerManager } = node.libp2p.services
  const network = health.network()
  const lag = node.metrics.quantiles('gridmesh_metrics_event_loop_lag_seconds')
  const ready = peerManager.select().length
  const failure = node.chain?.failure
  const unreached = unreachedTopics(node.libp2p.services.broadcast)
  return {
    status: failure !== undefined ? 'chain-failed' : ready === 0 ? 'alone' : unreached.length > 0 ? 'unheard' : 'ok',
    unreached_topics: unreached,
    chain_failure: failure?.message ?? null,
    ready_peers: ready,
    peers_by_state: { ...peerManager.stats().byState },
    average_latency_ms: network.averageLatencyMs ?? null,
    event_loop_lag_ms: lag === undefined ? null : { p50: lag.p50 * 1_000, p99: lag.p99 * 1_000 },
    load: health.load,
    network: {
      authority_connectivity: network.authorityConnectivity ?? null,
      region_connectivity: { ...network.regionConnectivity },
      message_success_rate: network.messageSuccessRate ?? null,
      churn_per_minute: network.churnPerMinute,
      partition_risk: network.partitionRisk,
      reasons: [...network.reasons],
    },
    heap_bytes: process.memoryUsage().heapUsed,
    uptime: node.uptimeMs / 1_000,
  }
}

function searching({ config, libp2p }: GridmeshNode): z.infer<typeof nodeDiscovery> {
  const stats = discoveryStats(libp2p.services.discovery)
  if (stats === undefined) {
    throw new HttpRefusalError(501, 'not-told', 'This node runs with a discovery of its own, which tells no figures')
  }
  return {
    ready: stats.ready,
    min_peers: config.p2p.minPeers,
    target_peers: Math.max(config.discovery.targetPeers, config.p2p.minPeers),
    outbound: stats.outbound,
    candidates: stats.candidates,
    rounds: stats.rounds,
    dials: stats.dials,
    success_ratio: stats.successRatio,
    time_to_minimum_ms: stats.timeToMinimumMs ?? null,
    time_to_target_ms: stats.timeToTargetMs ?? null,
    strategies: stats.strategies,
  }
}

import type { PeerManager, PeerRecord } from '@gridmesh/interfaces'
import type { z } from 'zod'
import type { nodePeer } from './schemas.ts'

/** A peer as the API shows it. */
export function describePeer(record: PeerRecord, peerManager: PeerManager): z.infer<typeof nodePeer> {
  return {
    address: record.id.toString(),
    multiaddrs: [...record.addresses],
    state: record.state,
    direction: record.direction ?? null,
    node_type: record.hello?.role ?? null,
    region: record.hello?.region ?? null,
    capabilities: [...(record.hello?.capabilities ?? [])],
    version: record.hello?.userAgent ?? null,
    height: record.height,
    last_seen: record.lastSeenMs,
    latency_ms: record.latencyMs ?? null,
    reputation: peerManager.reputation(record.id),
  }
}

import type { PeerQuery, PublishOptions } from '@gridmesh/interfaces'

/** Names the batch of a message: two messages share one only where they would be published alike. */
export function batchKey(kind: string, options: Pick<PublishOptions, 'strategy' | 'to'>): string {
  const { strategy, to } = options
  return JSON.stringify([kind, strategy ?? null, to == null ? null : Array.isArray(to) ? peersKey(to) : queryKey(to)])
}

function peersKey(peers: readonly { toString(): string }[]): readonly string[] {
  return peers.map(String).toSorted()
}

function queryKey(query: PeerQuery): Record<string, unknown> {
  const { role, region, capabilities, minHeight, limit } = query
  return { role, region, capabilities: capabilities?.toSorted(), minHeight, limit }
}

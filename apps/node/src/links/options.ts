import type { PeerManager } from '@gridmesh/interfaces'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import type { Libp2pOptions } from 'libp2p'
import type { NodeConfig } from '../config/schema.ts'
import { discoveries } from './discoveries.ts'
import { gater } from './gater.ts'

/** How a node reaches others: libp2p's options for addresses, transports, channels, limits and discovery. */
export function linkOptions(config: NodeConfig, peerManager: () => PeerManager | undefined): Partial<Libp2pOptions> {
  const { host, port, encryption, maxConnections, inboundPerSecond, streamWindowBytes } = config.p2p
  return {
    addresses: { listen: [`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}`] },
    transports: [tcp()],
    connectionEncrypters: [encryption === 'tls' ? tls() : noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: streamWindowBytes } })],
    connectionGater: gater(peerManager),
    connectionManager: { maxConnections, inboundConnectionThreshold: inboundPerSecond },
    // The health monitor closes silent links, by its own rule.
    connectionMonitor: { enabled: false },
    peerDiscovery: discoveries(config.p2p),
  }
}

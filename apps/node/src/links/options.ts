import { libp2pLimits } from '@gridmesh/connection-pool'
import type { ConnectionGater } from '@libp2p/interface'
import { noise } from '@gridmesh/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { Libp2pOptions } from 'libp2p'
import type { NodeConfig } from '../config/schema.ts'
import { bounded } from './bounded.ts'

/** How a node reaches others: libp2p's options for addresses, transports, channels and limits. */
export async function linkOptions({ p2p, pool }: NodeConfig, gater: ConnectionGater): Promise<Partial<Libp2pOptions>> {
  const { host, port, encryption, streamWindowBytes } = p2p
  return {
    addresses: { listen: [`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}`] },
    transports: [tcp()],
    // A seventh of all that a node loads is for certificates: those who have none need not wait for it.
    connectionEncrypters: [encryption === 'tls' ? bounded((await import('@libp2p/tls')).tls()) : noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: streamWindowBytes } })],
    connectionGater: gater,
    connectionManager: libp2pLimits(pool),
    // The health monitor closes silent links, by its own rule.
    connectionMonitor: { enabled: false },
  }
}

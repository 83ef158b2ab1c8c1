import {
  connectionPool,
  type ConnectionPoolInit,
  type ConnectionPoolService,
  libp2pLimits,
} from '@gridmesh/connection-pool'
import { handshake, type HandshakeService } from '@gridmesh/handshake'
import { peerManager, type PeerManagerService } from '@gridmesh/peer-manager'
import { identify, type Identify } from '@libp2p/identify'
import type { Libp2p, ServiceMap } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type ServiceFactoryMap } from 'libp2p'

// A type, not an interface: libp2p's map of services asks for an index signature, which only a type has.
type LinkServices = {
  identify: Identify
  peerManager: PeerManagerService
  connectionPool: ConnectionPoolService
  handshake: HandshakeService
}

/** A node that links are made of. */
export type LinkedNode<T extends ServiceMap> = Libp2p<LinkServices & T>

const HELLO = { chainId: 'test', genesisHash: '00'.repeat(32), role: 'consumer', region: 'north', userAgent: 'test/1' }

/** A node over TCP and Noise, with the packages that links take, and `services` beside. Who starts it stops it. */
export async function startLinked<T extends ServiceMap>(
  services: ServiceFactoryMap<T>,
  limits: ConnectionPoolInit = {},
): Promise<LinkedNode<T>> {
  const pool = connectionPool({ exemptLoopback: true, ...limits })
  const links: ServiceFactoryMap<LinkServices> = {
    identify: identify(),
    peerManager: peerManager(),
    connectionPool: pool.service,
    handshake: handshake(HELLO),
  }
  return createLibp2p<LinkServices & T>({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: pool.gater,
    connectionManager: libp2pLimits(),
    services: { ...links, ...services } as ServiceFactoryMap<LinkServices & T>,
  })
}

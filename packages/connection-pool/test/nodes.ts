import { handshake, type HandshakeService } from '@gridmesh/handshake'
import { peerManager, type PeerManagerService } from '@gridmesh/peer-manager'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { connectionPool, type ConnectionPoolInit, type ConnectionPoolService, libp2pLimits } from '../src/index.ts'

export type Node = Libp2p<{
  peerManager: PeerManagerService
  connectionPool: ConnectionPoolService
  handshake: HandshakeService
}>

/** How a test node differs from the next. */
export interface NodeOptions {
  init?: ConnectionPoolInit
  /** Who it is, where it starts again. */
  privateKey?: PrivateKey
  role?: string
  region?: string
  /** The loopback address that it dials from. */
  from?: string
  /** What answers its questions for `/dnsaddr`. */
  dns?: NonNullable<Libp2pOptions['dns']>
}

/** A real node over TCP and Noise, with the pool and its neighbours. */
export async function createNode(options: NodeOptions): Promise<Node> {
  const { init = {}, privateKey, role = 'consumer', region = 'north', from, dns } = options
  const pool = connectionPool(init)
  // Handed on to `net.connect`, though not named in the transport's types.
  const dialOpts = { noDelay: true, ...(from !== undefined && { localAddress: from }) }
  return createLibp2p({
    ...(privateKey !== undefined && { privateKey }),
    addresses: { listen: from === undefined ? ['/ip4/127.0.0.1/tcp/0'] : [] },
    transports: [tcp({ dialOpts })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: pool.gater,
    connectionManager: libp2pLimits(init),
    ...(dns !== undefined && { dns }),
    services: {
      peerManager: peerManager(),
      connectionPool: pool.service,
      handshake: handshake({ chainId: 'test', genesisHash: '00', role, region }),
    },
  })
}

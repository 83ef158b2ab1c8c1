import { bootstrap } from '@libp2p/bootstrap'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { type Libp2p, createLibp2p } from 'libp2p'

/**
 * A node as libp2p's documentation sets one up: TCP, Noise, yamux, identify, ping, and, where it is given a first peer,
 * bootstrap and Kademlia, whose findings it dials.
 */
export async function plainNode(first?: Libp2p): Promise<Libp2p> {
  const list = first?.getMultiaddrs().map(String) ?? []
  const node = await createLibp2p({
    start: false,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Its default of 5 a second from one address would refuse the benchmark.
    connectionManager: { inboundConnectionThreshold: 1_000 },
    peerDiscovery: list.length === 0 ? [] : [bootstrap({ list, timeout: 0 })],
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({ protocol: '/bench/kad/1', clientMode: false, peerInfoMapper: passthroughMapper }),
    },
  })
  // Since libp2p 2 a node dials what it finds only if told to. A dial that fails is tried again at the next finding.
  node.addEventListener('peer:discovery', ({ detail: { id } }) => void node.dial(id).catch(() => {}))
  return node
}

// Many peers in one process, as light as they may be and still count for the node under test: `ours` or `bare`.
import { broadcast } from '@gridmesh/broadcast'
import { handshake } from '@gridmesh/handshake'
import { noise } from '@gridmesh/noise'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { CHAIN_ID, GENESIS_HASH, TOPIC } from './idle-network.ts'
import { serve } from './serve.ts'

/** Peers that dial at once. */
const AT_ONCE = 4
/** Time a link may take to come about, in ms: two processes full of them share one machine. */
const LINK_MS = 60_000

const isOurs = process.argv[2] === 'ours'
const peers: Libp2p[] = []

/** Peers leave it to the node under test to ping. */
const links = () => ({
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  connectionManager: { dialTimeout: LINK_MS, outboundUpgradeTimeout: LINK_MS },
})

async function ourPeer(): Promise<Libp2p> {
  const hello = { chainId: CHAIN_ID, genesisHash: GENESIS_HASH, role: 'node', region: 'here' }
  const node = await createLibp2p({
    ...links(),
    services: {
      identify: identify(),
      ping: ping(),
      handshake: handshake(hello),
      broadcast: broadcast({ chainId: CHAIN_ID }),
    },
  })
  node.services.broadcast.subscribe(TOPIC, () => 'accept')
  return node
}

async function barePeer(): Promise<Libp2p> {
  const node = await createLibp2p({
    ...links(),
    services: { identify: identify(), ping: ping(), pubsub: gossipsub() },
  })
  node.services.pubsub.subscribe(TOPIC)
  return node
}

/** Adds peers up to `count` in all, each with one link to `address`. */
async function grow(count: number, address: string): Promise<void> {
  let missing = count - peers.length
  const join = async (): Promise<void> => {
    while (missing-- > 0) {
      const peer = await (isOurs ? ourPeer() : barePeer())
      peers.push(peer)
      await peer.dial(multiaddr(address), { signal: AbortSignal.timeout(LINK_MS) })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, join))
}

serve({ grow, stop: () => Promise.all(peers.map(async (peer) => peer.stop())) })

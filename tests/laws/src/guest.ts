import type { GridmeshNode } from '@gridmesh/node'
import { Fabric } from './fabric.ts'
import { MeshNode } from './mesh-node.ts'
import type { MeshInit } from './services.ts'

/** A node of the test's own that is of the network of a whole node, unless its words say otherwise. Dials nobody. */
export async function guestOf(node: GridmeshNode, init: MeshInit = {}): Promise<MeshNode> {
  const { chainId, hash: genesisHash } = node.genesis
  return MeshNode.start(
    'guest',
    {
      ...init,
      handshake: { chainId, genesisHash, ...init.handshake },
      broadcast: { chainId, ...init.broadcast },
      envelope: { chainId, ...init.envelope },
      // Whom a guest leaves, or is left by, it leaves alone.
      reconnection: { important: [], maxTries: 1, ...init.reconnection },
    },
    new Fabric(),
  )
}

/** Dials a whole node, and resolves when both are ready, or rejects as the dial or the handshake did. */
export async function join(guest: MeshNode, node: GridmeshNode): Promise<void> {
  const { peerId } = node.libp2p
  await guest.services.connectionPool.acquire(peerId, { addresses: node.libp2p.getMultiaddrs() })
  await guest.services.handshake.whenReady(peerId, { signal: AbortSignal.timeout(10_000) })
  await node.libp2p.services.peerManager.whenReady(guest.peerId, { signal: AbortSignal.timeout(10_000) })
}

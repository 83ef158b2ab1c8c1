import { mdns } from '@libp2p/mdns'
import type { Libp2pOptions } from 'libp2p'
import type { NodeConfig } from '../config/schema.ts'

type Discoveries = NonNullable<Libp2pOptions['peerDiscovery']>

/** libp2p's own ways to find peers, as the configuration asks. Bootstrap peers are dialled by the reconnection. */
export function discoveries({ mdns: local }: NodeConfig['p2p']): Discoveries {
  const found: Discoveries = []
  if (local) found.push(mdns())
  return found
}

import { bootstrap } from '@libp2p/bootstrap'
import { mdns } from '@libp2p/mdns'
import type { Libp2pOptions } from 'libp2p'
import type { NodeConfig } from '../config/schema.ts'

type Discoveries = NonNullable<Libp2pOptions['peerDiscovery']>

/** libp2p's own ways to find peers, as the configuration asks. */
export function discoveries({ bootstrap: list, mdns: local }: NodeConfig['p2p']): Discoveries {
  const found: Discoveries = []
  if (list.length > 0) found.push(bootstrap({ list, timeout: 0 }))
  if (local) found.push(mdns())
  return found
}

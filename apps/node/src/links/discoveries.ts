import { bootstrap } from '@libp2p/bootstrap'
import { KEEP_ALIVE } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import type { Libp2pOptions } from 'libp2p'
import type { NodeConfig } from '../config/schema.ts'

type Discoveries = NonNullable<Libp2pOptions['peerDiscovery']>

/** libp2p's own ways to find peers, as the configuration asks. The keep-alive tag makes libp2p redial lost ones. */
export function discoveries({ bootstrap: list, mdns: local }: NodeConfig['p2p']): Discoveries {
  const found: Discoveries = []
  if (list.length > 0) found.push(bootstrap({ list, timeout: 0, tagName: `${KEEP_ALIVE}-bootstrap`, tagValue: 50 }))
  if (local) found.push(mdns())
  return found
}

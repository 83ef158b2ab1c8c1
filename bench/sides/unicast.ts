// Requests by `@gridmesh/unicast`. Argument: what encrypts.
import type { Unicast } from '@gridmesh/interfaces'
import { unicast } from '@gridmesh/unicast'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type Ask, serveAsking } from './asking.ts'
import { bareOptions, type EncrypterName } from './bare-node.ts'

type Node = Libp2p<{ unicast: Unicast }>

const encrypter = process.argv[2] as EncrypterName
const nodes: Node[] = []
let own: Promise<Node> | undefined

async function node(): Promise<Node> {
  const created = await createLibp2p({ ...bareOptions(encrypter), services: { unicast: unicast() } })
  nodes.push(created)
  return created
}

serveAsking({
  async listen(): Promise<string | undefined> {
    const listening = await node()
    listening.services.unicast.handle('echo', (payload) => payload)
    return listening.getMultiaddrs()[0]?.toString()
  },
  async connect(address: string): Promise<Ask> {
    const asking = await (own ??= node())
    const { remotePeer } = await asking.dial(multiaddr(address))
    return (payload) => asking.services.unicast.request(remotePeer, 'echo', payload)
  },
  async stop(): Promise<void> {
    for (const each of nodes) await each.stop()
  },
})

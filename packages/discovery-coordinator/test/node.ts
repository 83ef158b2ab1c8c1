import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { MemoryDatastore } from 'datastore-core'
import type { Datastore } from 'interface-datastore'
import { createLibp2p } from 'libp2p'
import { onTestFinished } from 'vitest'
import { discovery, type DiscoveryInit, type DiscoveryService } from '../src/index.ts'
import { FakePeerManager } from './support.ts'

export type TestNode = Libp2p<{ identify: unknown; discovery: DiscoveryService }>

let count = 0

/** What all nodes have. */
export function base(): object {
  return {
    addresses: { listen: [`/memory/discovery-${++count}`] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  }
}

export interface NodeOptions {
  init?: DiscoveryInit
  datastore?: Datastore
  extra?: object
  siblings?: object
}

/** A libp2p node with discovery. */
export async function makeNode({
  init = {},
  datastore,
  extra = base(),
  siblings = {},
}: NodeOptions = {}): Promise<TestNode> {
  const node: TestNode = await createLibp2p({
    datastore: datastore ?? new MemoryDatastore(),
    ...extra,
    services: { identify: identify(), discovery: discovery(init), ...siblings },
  })
  onTestFinished(() => node.stop())
  return node
}

/** A libp2p node without discovery, for a test to speak through. */
export async function makeStranger(): Promise<Libp2p> {
  const node = await createLibp2p({ ...base(), services: { identify: identify() } })
  onTestFinished(() => node.stop())
  return node
}

/** A peer manager as a service, that notes what it is told. */
export function noting(manager: FakePeerManager): () => FakePeerManager {
  return () => manager
}

export function addressOf(node: Libp2p): Multiaddr {
  return multiaddr(node.getMultiaddrs()[0]?.toString())
}

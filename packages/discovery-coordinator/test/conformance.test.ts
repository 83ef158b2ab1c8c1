import {
  type DiscoveryStrategyHarness,
  discoveryStrategyConformance,
  type DiscoveryStrategyWorld,
} from '@gridmesh/interfaces/conformance'
import { identify } from '@libp2p/identify'
import { type Libp2p, type Libp2pEvents, type PeerDiscoveryEvents, TypedEventEmitter } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { defaultLogger } from '@libp2p/logger'
import { ping } from '@libp2p/ping'
import { MemoryDatastore } from 'datastore-core'
import { createLibp2p } from 'libp2p'
import { describe, expect, it, vi } from 'vitest'
import { DiscoveryFeed } from '../src/discovery-feed.ts'
import {
  bootstrap,
  kademlia,
  PEER_EXCHANGE_PROTOCOL,
  peerExchange,
  type PeerExchangeComponents,
  staticPeers,
  stored,
  type Strategy,
} from '../src/index.ts'
import { base } from './node.ts'
import { addressOf, candidateOf, collect, makePeerIds } from './support.ts'

const PATIENCE_MS = 15_000
const TIMEOUT_MS = 4 * PATIENCE_MS
const WAIT = { timeout: PATIENCE_MS, interval: 10 }

const ids = await makePeerIds(5)
const list = ids.map((id, index) => `${addressOf(index).toString()}/p2p/${id.toString()}`)

async function createStored(): Promise<DiscoveryStrategyWorld> {
  const events = new TypedEventEmitter<Libp2pEvents>()
  const strategy = stored()({ datastore: new MemoryDatastore(), events, logger: defaultLogger() })
  await strategy.start?.()
  for (const [index, id] of ids.entries()) strategy.succeeded?.(candidateOf(id, index * 256))
  return { strategy, stop: async () => strategy.stop?.() }
}

/** What mdns is, but for the network below it. */
async function createFeed(): Promise<DiscoveryStrategyWorld> {
  const announcer = new TypedEventEmitter<PeerDiscoveryEvents>()
  const strategy = new DiscoveryFeed('mdns', announcer, ids.length)
  await strategy.start()
  for (const [index, id] of ids.entries()) {
    announcer.safeDispatchEvent('peer', { detail: { id, multiaddrs: [addressOf(index)] } })
  }
  return { strategy, stop: () => strategy.stop() }
}

function exchange(components: PeerExchangeComponents): Strategy {
  return peerExchange()(components)
}

function makeExchanging(): Promise<Libp2p<{ identify: unknown; exchange: Strategy }>> {
  return createLibp2p({ ...base(), services: { identify: identify(), exchange } })
}

/** Asks a node that knows one other. */
async function createExchange(): Promise<DiscoveryStrategyWorld> {
  const [asker, teller, other] = [await makeExchanging(), await makeExchanging(), await makeExchanging()]
  await other.dial(teller.getMultiaddrs())
  await asker.dial(teller.getMultiaddrs())
  for (const [node, peer] of [
    [teller, other.peerId],
    [asker, teller.peerId],
  ] as const) {
    await vi.waitFor(async () => {
      const { protocols } = await node.peerStore.get(peer)
      if (!protocols.includes(PEER_EXCHANGE_PROTOCOL)) throw new RangeError(`${peer.toString()} is not identified yet`)
    }, WAIT)
  }
  return { strategy: asker.services.exchange, stop: () => stopAll(asker, teller, other) }
}

/** Walks a DHT of three nodes. */
async function createWalk(): Promise<DiscoveryStrategyWorld> {
  const dht = kadDHT({ protocol: '/test/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper })
  const create = () => createLibp2p({ ...base(), services: { identify: identify(), ping: ping(), dht } })
  const [walker, ...others] = [await create(), await create(), await create()]
  for (const other of others) await walker.dial(other.getMultiaddrs())
  const strategy = kademlia()({ peerRouting: walker.peerRouting })
  await vi.waitFor(async () => {
    const found = await collect(strategy.discover({ need: [], signal: AbortSignal.timeout(PATIENCE_MS) }))
    if (found.length === 0) throw new RangeError('the routing table is empty yet')
  }, WAIT)
  return { strategy, stop: () => stopAll(walker, ...others) }
}

async function stopAll(...nodes: readonly Libp2p[]): Promise<void> {
  for (const node of nodes) await node.stop()
}

const nothing = (): void => undefined

const harnesses: Record<string, DiscoveryStrategyHarness> = {
  bootstrap: { create: () => ({ strategy: bootstrap(list)(), stop: nothing }), expected: 5 },
  static: { create: () => ({ strategy: staticPeers(list)(), stop: nothing }), expected: 5 },
  stored: { create: createStored, expected: 5 },
  // What was announced is told once, and a peer is asked once in ten seconds.
  mdns: { create: createFeed, expected: 5, expectedAgain: 0 },
  'peer-exchange': { create: createExchange, expectedAgain: 0 },
  kademlia: { create: createWalk },
}

describe.each(Object.entries(harnesses))('%s', (_strategy, harness) => {
  const suite = discoveryStrategyConformance({ patienceMs: PATIENCE_MS, ...harness })
  it.each(suite.map(({ name, run }) => [name, run] as const))(
    '%s',
    async (_, run) => expect(run()).resolves.toBeUndefined(),
    TIMEOUT_MS,
  )
})

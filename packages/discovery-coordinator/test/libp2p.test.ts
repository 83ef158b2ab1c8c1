import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { ping } from '@libp2p/ping'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { MemoryDatastore } from 'datastore-core'
import { createLibp2p } from 'libp2p'
import { expect, it, vi } from 'vitest'
import { encodeReply } from '../src/exchange-messages.ts'
import {
  bootstrap,
  discovery,
  type DiscoveryInit,
  kademlia,
  PEER_EXCHANGE_PROTOCOL,
  peerExchange,
  staticPeers,
  stored,
} from '../src/index.ts'
import { addressOf, base, makeNode, makeStranger, noting, type TestNode } from './node.ts'
import { FakePeerManager } from './support.ts'

const WAIT = { interval: 20 }

function overTcp(encrypter: unknown = plaintext()): object {
  return {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [encrypter],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  }
}

function ready(node: TestNode): number {
  return node.services.discovery.stats().ready
}

function initOf(list: string[]): DiscoveryInit {
  return {
    minPeers: 4,
    targetPeers: 5,
    intervalMs: 50,
    maxIntervalMs: 300,
    strategies: [stored(), bootstrap(list), peerExchange({ requestGapMs: 200 })],
  }
}

function dhtServices(): object {
  return {
    ping: ping(),
    dht: kadDHT({ protocol: '/test/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper }),
  }
}

it('refuses to start under another name, by which nobody would find it', async () => {
  const node = await createLibp2p({ ...base(), start: false, services: { search: discovery({ strategies: [] }) } })
  await expect(node.start()).rejects.toMatchObject({ name: 'ServiceNameError', service: 'discovery' })
})

it('brings 10 nodes over TCP from one bootstrap to their minimum, and newcomers too when that is gone', async () => {
  const datastore = new MemoryDatastore()
  const seed = await makeNode({ extra: overTcp(), init: { ...initOf([]), minPeers: 0, targetPeers: 0 } })
  const list = [addressOf(seed).toString()]
  const nodes = [seed]
  for (let i = 1; i < 9; i++) nodes.push(await makeNode({ extra: overTcp(), init: initOf(list) }))
  const privateKey = await generateKeyPair('Ed25519')
  const last = await makeNode({ extra: { ...overTcp(), privateKey }, init: initOf(list), datastore })
  nodes.push(last)
  await vi.waitFor(() => expect(Math.min(...nodes.slice(1).map(ready))).toBeGreaterThanOrEqual(4), WAIT)
  expect(last.services.discovery.stats()).toMatchObject({ timeToMinimumMs: expect.any(Number) })
  const found = nodes.map((node) => node.services.discovery.stats().strategies['peer-exchange']?.successes ?? 0)
  expect(found.reduce((sum, successes) => sum + successes, 0)).toBeGreaterThan(9)

  // The one that everybody began with goes for good; a node that knew the others comes back without it.
  await last.stop()
  await seed.stop()
  const again = await makeNode({ extra: { ...overTcp(), privateKey }, init: initOf(list), datastore })
  await vi.waitFor(() => expect(ready(again)).toBeGreaterThanOrEqual(4), WAIT)
  const { strategies } = again.services.discovery.stats()
  expect(strategies['stored']?.candidates).toBeGreaterThan(0)
  expect(strategies['bootstrap']?.successes).toBe(0)
  const newcomer = await makeNode({ extra: overTcp(), init: initOf([...list, addressOf(again).toString()]) })
  await vi.waitFor(() => expect(ready(newcomer)).toBeGreaterThanOrEqual(4), WAIT)
}, 40_000)

it('begins anew with the bootstrap when every peer has gone', async () => {
  const seed = await makeNode({ extra: overTcp(noise()), init: { minPeers: 0, targetPeers: 0 } })
  const strategies = [bootstrap([addressOf(seed).toString()])]
  const init = { strategies, minPeers: 1, targetPeers: 1, intervalMs: 20 }
  const node = await makeNode({ extra: overTcp(noise()), init })
  const events: string[] = []
  node.services.discovery.addEventListener('discovery:alone', () => events.push('alone'))
  await vi.waitFor(() => expect(ready(node)).toBe(1), WAIT)
  await vi.waitFor(() => expect(seed.getConnections()).toHaveLength(1), WAIT)
  events.length = 0
  for (const connection of seed.getConnections()) await connection.close()
  await vi.waitFor(() => expect(events).toEqual(['alone']), WAIT)
  await vi.waitFor(() => expect(ready(node)).toBe(1), WAIT)
})

it('finds peers through a DHT', async () => {
  const idle = { minPeers: 0, targetPeers: 0, strategies: [] }
  const hub = await makeNode({ init: idle, siblings: dhtServices() })
  const others = [
    await makeNode({ init: idle, siblings: dhtServices() }),
    await makeNode({ init: idle, siblings: dhtServices() }),
  ]
  for (const node of [hub, ...others]) {
    const { dht } = node.services as unknown as { dht: { setMode(mode: 'server'): Promise<void> } }
    await dht.setMode('server')
  }
  for (const node of others) await node.dial(addressOf(hub))
  const strategies = [kademlia(), staticPeers([addressOf(hub).toString()])]
  const init = { strategies, minPeers: 3, targetPeers: 3, intervalMs: 50, maxIntervalMs: 200 }
  const node = await makeNode({ init, siblings: dhtServices() })
  await vi.waitFor(() => expect(ready(node)).toBe(3), WAIT)
}, 20_000)

it('does not let a neighbour that tells of thousands crowd its address book', async () => {
  const datastore = new MemoryDatastore()
  const liar = await makeStranger()
  const records = await Promise.all(
    Array.from({ length: 250 }, async (_, index) => {
      const key = await generateKeyPair('Ed25519')
      const multiaddrs = [multiaddr(`/ip4/${(index % 200) + 1}.${index % 250}.0.1/tcp/9000`)]
      const record = new PeerRecord({ peerId: peerIdFromPrivateKey(key), multiaddrs })
      return (await RecordEnvelope.seal(record, key)).marshal()
    }),
  )
  let asked = 0
  await liar.handle(PEER_EXCHANGE_PROTOCOL, async (stream) => {
    asked++
    await lpStream(stream).write(encodeReply(records))
    await stream.close()
  })
  const strategies = [stored({ newBuckets: 16, slotsPerBucket: 8 }), peerExchange({ requestGapMs: 1 })]
  const node = await makeNode({ datastore, init: { strategies, minPeers: 0, targetPeers: 0, maxCandidates: 100 } })
  await node.dial(addressOf(liar))
  await vi.waitFor(async () => {
    await node.services.discovery.discoverNow()
    expect(asked).toBeGreaterThan(2)
  }, WAIT)
  expect(node.services.discovery.stats().candidates).toBe(100)
  await node.stop()
  let kept = 0
  for await (const _ of datastore.query({ prefix: '/gridmesh/discovery/peers/' })) kept++
  // A sixteenth of the buckets is one, and the liar itself may be in it.
  expect(kept).toBeLessThanOrEqual(8 + 1)
})

it('waits for the handshake with what it counts, asks and answers, and finds its siblings wherever they are listed', async () => {
  const manager = new FakePeerManager()
  const readied = new Set<string>()
  const handshake = {
    isReady: (peer: { toString(): string }) => readied.has(peer.toString()),
    whenReady: async () => ({}),
  }
  const strategies = [peerExchange()]
  const siblings = { peerManager: noting(manager), handshake: () => handshake }
  const node = await makeNode({ init: { strategies, minPeers: 1, targetPeers: 1 }, siblings })
  const other = await makeNode({ init: { strategies: [peerExchange()], minPeers: 0, targetPeers: 0 } })
  await node.dial(addressOf(other))
  expect(ready(node)).toBe(0)
  readied.add(other.peerId.toString())
  manager.ready(other.peerId)
  expect(ready(node)).toBe(1)
})

it('registers its protocol while it runs, and leaves no handler, listener or stream after stop', async () => {
  const node = await makeNode({ init: { minPeers: 0, targetPeers: 0 } })
  const other = await makeNode({ init: { minPeers: 0, targetPeers: 0 } })
  for (let i = 0; i < 2; i++) {
    expect(node.getProtocols()).toContain(PEER_EXCHANGE_PROTOCOL)
    await node.dial(addressOf(other))
    await node.services.discovery.discoverNow()
    await node.stop()
    expect(node.getProtocols()).not.toContain(PEER_EXCHANGE_PROTOCOL)
    await expect(node.services.discovery.discoverNow()).rejects.toMatchObject({ name: 'NotStartedError' })
    await node.start()
  }
})

it('measures dials, runs, candidates and stored peers by the names of this package', async () => {
  const names: string[] = []
  const calculate: (() => unknown)[] = []
  const register = (name: string, options: { calculate?: () => unknown }): object => {
    names.push(name)
    if (name.startsWith('gridmesh') && options.calculate !== undefined) calculate.push(options.calculate)
    return {
      increment: () => undefined,
      observe: () => undefined,
      update: () => undefined,
      timer: () => () => undefined,
    }
  }
  const metrics = new Proxy(
    {},
    {
      get: (_, name) => {
        if (name === 'traceFunction') return (__: string, fn: unknown) => fn
        return typeof name === 'string' && name.startsWith('register') ? register : () => undefined
      },
      has: () => true,
    },
  )
  const seed = await makeNode({ init: { minPeers: 0, targetPeers: 0 } })
  const strategies = [stored(), bootstrap([addressOf(seed).toString()])]
  const extra = { ...base(), metrics: () => metrics }
  const node = await makeNode({ extra, init: { strategies, minPeers: 1, targetPeers: 1 } })
  await vi.waitFor(() => expect(ready(node)).toBe(1), WAIT)
  const ours = names.filter((name) => name.startsWith('gridmesh_')).toSorted()
  expect(ours).toEqual(
    [
      'candidates_total',
      'corrupt_entries_total',
      'dial_success_ratio',
      'dials_total',
      'failed_runs_total',
      'feelers_total',
      'peers',
      'stored_peers',
      'time_to_minimum_seconds',
      'time_to_target_seconds',
    ].map((name) => `gridmesh_discovery_coordinator_${name}`),
  )
  expect(calculate.map((value) => value())).toContainEqual(expect.objectContaining({ ready: 1, linked: 1 }))
})

it('needs nothing but identify', async () => {
  const node = await makeNode({ siblings: { identify: identify(), discovery: discovery() } })
  expect(node.services.discovery.stats()).toMatchObject({ ready: 0, candidates: 0, successRatio: 1 / 3 })
})

import { type PeerDiscoveryEvents, type PeerInfo, TypedEventEmitter } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { DiscoveryFeed } from '../src/discovery-feed.ts'
import { bootstrap, kademlia, mdns, peerExchange, staticPeers, stored, type Strategy } from '../src/index.ts'
import { addressOf, at, collect, makePeerIds } from './support.ts'

const ids = await makePeerIds(10)
const NEED = { need: [], signal: new AbortController().signal }

async function offersOf(strategy: Strategy): Promise<string[]> {
  const offers = await collect(strategy.discover(NEED))
  return offers.map(({ id, addresses }) => `${id.toString()} ${addresses.join()}`).toSorted()
}

it('offers each peer of a list once, with all its addresses', async () => {
  const [a, b] = [at(ids, 0).toString(), at(ids, 1).toString()]
  const list = [`/ip4/192.0.2.1/tcp/1/p2p/${a}`, multiaddr(`/ip4/192.0.2.2/tcp/1/p2p/${a}`), `/dnsaddr/x.org/p2p/${b}`]
  const expected = [
    `${a} /ip4/192.0.2.1/tcp/1/p2p/${a},/ip4/192.0.2.2/tcp/1/p2p/${a}`,
    `${b} /dnsaddr/x.org/p2p/${b}`,
  ].toSorted()
  for (const [create, name, isFallback] of [
    [bootstrap, 'bootstrap', true],
    [staticPeers, 'static', false],
  ] as const) {
    const strategy = create(list)()
    expect(strategy).toMatchObject({ name, isFallback, isConfigured: true })
    expect(await offersOf(strategy)).toEqual(expected)
  }
})

it.each(['/ip4/192.0.2.1/tcp/1', 'nonsense', '/ip4/192.0.2.1/tcp/1/p2p/x', ''])(
  'refuses a list with "%s", and names it',
  (entry) => {
    expect(() => bootstrap([entry])).toThrow(TypeError)
    expect(() => staticPeers([entry])).toThrow(`"${entry}"`)
  },
)

it('walks towards a random key, another each time, and ends after maxPerRun peers', async () => {
  const keys: Uint8Array[] = []
  const peerRouting = {
    async *getClosestPeers(key: Uint8Array): AsyncGenerator<PeerInfo> {
      keys.push(key)
      for (const [index, id] of ids.entries()) yield { id, multiaddrs: [addressOf(index)] }
    },
  }
  const strategy = kademlia({ maxPerRun: 3 })({ peerRouting })
  expect(strategy.name).toBe('kademlia')
  expect(await offersOf(strategy)).toHaveLength(3)
  await offersOf(strategy)
  expect(keys.map(({ byteLength }) => byteLength)).toEqual([32, 32])
  expect(keys[0]).not.toEqual(keys[1])
})

function failing(name: string): Strategy {
  return kademlia()({
    peerRouting: {
      async *getClosestPeers(): AsyncGenerator<PeerInfo> {
        yield* []
        throw Object.assign(new TypeError('thrown by a test'), { name })
      },
    },
  })
}

it('knows no peer where no router is configured, and fails where one fails', async () => {
  expect(await offersOf(failing('NoPeerRoutersError'))).toEqual([])
  await expect(offersOf(failing('QueryError'))).rejects.toThrow('thrown by a test')
})

/** A libp2p discovery module that notes whether it runs. */
class FakeModule extends TypedEventEmitter<PeerDiscoveryEvents> {
  running = 0

  start(): void {
    this.running++
  }

  stop(): void {
    this.running--
  }

  announce(index: number): void {
    this.safeDispatchEvent('peer', { detail: { id: at(ids, index), multiaddrs: [addressOf(index)] } })
  }
}

it('offers once what a discovery module announced since, the newest maxPeers, and nothing once it is stopped', async () => {
  const module = new FakeModule()
  const feed = new DiscoveryFeed('mdns', module, 3)
  module.announce(0)
  await feed.start()
  await feed.start()
  expect([module.running, await offersOf(feed)]).toEqual([1, []])
  for (const index of [0, 1, 0, 2, 3]) module.announce(index)
  expect(await offersOf(feed)).toEqual(
    [0, 2, 3].map((index) => `${at(ids, index).toString()} ${addressOf(index).toString()}`).toSorted(),
  )
  expect(await offersOf(feed)).toEqual([])
  await feed.stop()
  await feed.stop()
  module.announce(4)
  expect([module.running, await offersOf(feed)]).toEqual([0, []])
})

it('makes mdns a strategy that opens nothing before it is started', () => {
  const addressManager = { getAddresses: () => [] } as unknown as Parameters<
    ReturnType<typeof mdns>
  >[0]['addressManager']
  const strategy = mdns({ queryIntervalMs: 1_000, serviceTag: '_x._udp.local', port: 5_354, isAnnouncing: false })({
    addressManager,
    logger: defaultLogger(),
  })
  expect(strategy.name).toBe('mdns')
})

it.each([
  ['maxPerRun 0', () => kademlia({ maxPerRun: 0 })],
  ['maxPeers NaN', () => mdns({ maxPeers: Number.NaN })],
  ['queryIntervalMs 0', () => mdns({ queryIntervalMs: 0 })],
  ['triedBuckets 0.5', () => stored({ triedBuckets: 0.5 })],
  ['saveIntervalMs Infinity', () => stored({ saveIntervalMs: Infinity })],
  ['maxRecords -1', () => peerExchange({ maxRecords: -1 })],
  ['requestGapMs 0', () => peerExchange({ requestGapMs: 0 })],
])('refuses %s', (message, create) => {
  expect(create).toThrow(RangeError)
  expect(create).toThrow(message)
})

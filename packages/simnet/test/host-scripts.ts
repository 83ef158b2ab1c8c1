import {
  type ContentRouting,
  contentRoutingSymbol,
  type PeerDiscoveryEvents,
  peerDiscoverySymbol,
  type PeerInfo,
  type PeerRouting,
  peerRoutingSymbol,
  TypedEventEmitter,
} from '@libp2p/interface'
import type { RandomWalk } from '@libp2p/interface-internal'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { ServiceFactories, SimulationContext } from '../src/index.ts'
import { at } from './support.ts'

type Log = (...seen: unknown[]) => void

/** What services of the scripts route by: what they know, and what they are told of. */
export class Guide {
  readonly discovery = new TypedEventEmitter<PeerDiscoveryEvents>()
  readonly peers = new Map<string, PeerInfo>()
  readonly contents = new Map<string, Uint8Array>()
  readonly randomWalk: RandomWalk

  constructor({ randomWalk }: { randomWalk: RandomWalk }) {
    this.randomWalk = randomWalk
  }

  get [peerDiscoverySymbol](): TypedEventEmitter<PeerDiscoveryEvents> {
    return this.discovery
  }

  get [peerRoutingSymbol](): Partial<PeerRouting> {
    const { peers } = this
    return {
      async findPeer(peer) {
        const found = peers.get(peer.toString())
        if (found === undefined) throw new RangeError('of a router')
        return found
      },
      async *getClosestPeers() {
        // Each twice, and once without the addresses.
        for (const found of peers.values()) yield* [{ ...found, multiaddrs: [] }, found]
      },
    }
  }

  get [contentRoutingSymbol](): Partial<ContentRouting> {
    const { contents } = this
    return {
      async put(key, value) {
        contents.set(String(key), value)
      },
      async get(key) {
        const value = contents.get(String(key))
        if (value === undefined) throw new RangeError('of a router')
        return value
      },
    }
  }
}

export type Services = { guide: Guide }

export const guides = (): ServiceFactories<Services> => ({
  guide: (components: { randomWalk: RandomWalk }) => new Guide(components),
})

/** Something done with nodes, told as what was seen of it. */
export interface HostScript {
  readonly name: string
  /** Whether the nodes have a `Guide` each. */
  readonly hasGuides?: boolean
  run(context: SimulationContext<Services>, log: Log): Promise<void>
}

/** Addresses that nobody has, before those of the nodes by their spelling or behind; what is sent there is lost. */
const BEFORE = '/ip4/10.0.0.0/tcp/4001'
const BEHIND = ['/ip4/10.9.9.8/tcp/4001', '/ip4/10.9.9.9/tcp/4001']
const PUBLIC = '/ip4/9.9.9.9/tcp/4001'
const LOOPBACK = '/ip4/127.0.0.1/tcp/4001'

/** The name of what a function throws or rejects with. */
export async function outcome(fn: () => unknown): Promise<string> {
  try {
    await fn()
    return 'done'
  } catch (err) {
    return (err as Error).name
  }
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of source) all.push(each)
  return all
}

export const DIALS: readonly HostScript[] = [
  {
    name: 'a peer with silent addresses in its store: each has 6 s, all have 10 s, and the order is libp2p’s',
    async run({ nodes, clock }, log) {
      const [dialler, ...peers] = nodes
      const stored = [[BEFORE], BEHIND, [LOOPBACK, PUBLIC], [BEFORE, PUBLIC]]
      for (const [index, places] of stored.entries()) {
        const peer = at(peers, index)
        const addresses = places.map((place) => multiaddr(`${place}/p2p/${peer.peerId.toString()}`))
        const multiaddrs = [...addresses, peer.address]
        await dialler?.run((_, { libp2p }) => libp2p.peerStore.merge(peer.peerId, { multiaddrs }))
        const before = clock.nowMs
        log(await outcome(() => dialler?.dial(peer.peerId)), Math.round((clock.nowMs - before) / 1_000))
      }
    },
  },
  {
    name: 'a peer whose signed address is tried before those that somebody told',
    async run({ nodes, clock }, log) {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      await a.dial(b)
      await clock.sleep(1_000)
      await a.run(async (_, { libp2p }) => {
        await libp2p.hangUp(b.peerId)
        await libp2p.peerStore.merge(b.peerId, { multiaddrs: [multiaddr(`${BEFORE}/p2p/${b.peerId.toString()}`)] })
      })
      const before = clock.nowMs
      log(await outcome(() => a.dial(b.peerId)), Math.round((clock.nowMs - before) / 1_000))
    },
  },
  {
    name: 'a silent address that is stored with the peer and without: tried once',
    async run({ nodes, clock }, log) {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      const multiaddrs = [multiaddr(BEFORE), multiaddr(`${BEFORE}/p2p/${b.peerId.toString()}`), b.address]
      await a.run((_, { libp2p }) => libp2p.peerStore.merge(b.peerId, { multiaddrs }))
      const before = clock.nowMs
      log(await outcome(() => a.dial(b.peerId)), Math.round((clock.nowMs - before) / 1_000))
    },
  },
  {
    name: 'a dial of a silent address, joined by one that knows the right address: both succeed after 6 s',
    async run({ nodes, clock }, log) {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      const before = clock.nowMs
      const dial = async (place: Multiaddr): Promise<void> =>
        log(await outcome(() => a.dial(place)), Math.round((clock.nowMs - before) / 1_000))
      const first = dial(multiaddr(`${BEFORE}/p2p/${b.peerId.toString()}`))
      await clock.sleep(500)
      await Promise.all([first, dial(b.address)])
    },
  },
  {
    name: 'one silent address',
    async run({ nodes, clock }, log) {
      const before = clock.nowMs
      log(await outcome(() => at(nodes, 0).dial(multiaddr(BEFORE))), Math.round((clock.nowMs - before) / 1_000))
    },
  },
  {
    name: 'addresses of several peers, of some and of none, of nobody',
    async run({ nodes }, log) {
      const [a, b, c] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)]
      const anonymous = multiaddr(c.address.toString().split('/p2p/')[0])
      for (const target of [[b.address, c.address], [b.address, anonymous], [anonymous, b.address], []]) {
        log(await a.run((_, { libp2p }) => outcome(() => libp2p.dial(target))))
      }
      log(await a.run((_, { libp2p }) => outcome(() => libp2p.dial([anonymous, anonymous]))))
    },
  },
]

export const ROUTING: readonly HostScript[] = [
  {
    name: 'without routers: what is asked of them',
    async run({ nodes }, log) {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      await a.run(async (_, { libp2p: { peerRouting, contentRouting } }) => {
        log(await outcome(() => peerRouting.findPeer(b.peerId)))
        log(await outcome(() => collect(peerRouting.getClosestPeers(new Uint8Array(32)))))
        log(await outcome(() => contentRouting.put(new Uint8Array(1), new Uint8Array(1))))
        log(await outcome(() => contentRouting.get(new Uint8Array(1))))
      })
    },
  },
  {
    name: 'a peer found by a service: stored, dialled, and not looked for once it is known',
    hasGuides: true,
    async run({ nodes }, log) {
      const [a, b, c] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)]
      await a.run(async ({ guide }, { libp2p }) => {
        guide.peers.set(b.peerId.toString(), { id: b.peerId, multiaddrs: [b.address] })
        const { id, multiaddrs } = await libp2p.peerRouting.findPeer(b.peerId)
        log(id.equals(b.peerId), multiaddrs.length, await libp2p.peerStore.has(b.peerId))
        log(await outcome(() => libp2p.dial(b.peerId)), await outcome(() => libp2p.dial(c.peerId)))
        log(await outcome(() => libp2p.peerRouting.findPeer(c.peerId)))
        log(await outcome(() => libp2p.peerRouting.findPeer(a.peerId)))
      })
    },
  },
  {
    name: 'peers close to a key, and peers of a random walk: each once in a query, with their addresses',
    hasGuides: true,
    async run({ nodes }, log) {
      const [a, ...others] = nodes
      await a?.run(async ({ guide }, { libp2p }) => {
        for (const { peerId: id, address } of others) guide.peers.set(id.toString(), { id, multiaddrs: [address] })
        const closest = await collect(libp2p.peerRouting.getClosestPeers(new Uint8Array(32)))
        log(...closest.map(({ id, multiaddrs }) => `${id.toString()} ${multiaddrs.length}`))
        let walked = 0
        for await (const { id } of guide.randomWalk.walk()) {
          log('walked', id)
          if (++walked > others.length) break
        }
      })
    },
  },
  {
    name: 'content of a service',
    hasGuides: true,
    async run({ nodes }, log) {
      await at(nodes, 0).run(async ({ guide }, { libp2p: { contentRouting } }) => {
        await contentRouting.put(Uint8Array.of(1), Uint8Array.of(7))
        log(guide.contents.size, await contentRouting.get(Uint8Array.of(1)))
        log(await outcome(() => contentRouting.get(Uint8Array.of(2))))
      })
    },
  },
  {
    name: 'a peer discovered by a service is stored and told of once; the node itself is neither',
    hasGuides: true,
    async run({ nodes, clock }, log) {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      a.libp2p.addEventListener('peer:discovery', ({ detail }) =>
        log('discovered', detail.id, detail.multiaddrs.length),
      )
      for (const { peerId: id, address } of [b, b, a]) {
        await a.run(({ guide }) => guide.discovery.safeDispatchEvent('peer', { detail: { id, multiaddrs: [address] } }))
        await clock.sleep(1_000)
      }
      log(await a.run((_, { libp2p }) => outcome(() => libp2p.dial(b.peerId))))
    },
  },
]

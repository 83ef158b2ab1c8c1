import { KEEP_ALIVE, type PeerData } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { SimNode, SimulationContext } from '../src/index.ts'
import { type HostScript, outcome, type Services } from './host-scripts.ts'
import { at } from './support.ts'

type Node = SimNode<Services>

const PLACE = '/ip4/10.0.0.0/tcp/4001'
const KEPT = { tags: { [`${KEEP_ALIVE}-test`]: { value: 1 } } }

/** Connects a node to one that it is to keep, and lets that one crash. */
async function loseKept(a: Node, b: Node, { network, clock }: SimulationContext<Services>): Promise<void> {
  await a.dial(b)
  await clock.sleep(1_000)
  await a.run((_, { libp2p }) => libp2p.peerStore.merge(b.peerId, KEPT))
  network.crash(b)
}

export const PEERS: readonly HostScript[] = [
  {
    name: 'a peer with a keep-alive tag that crashes and comes back, and is left: connected again',
    async run(context, log) {
      const { nodes, network, clock } = context
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      a.libp2p.addEventListener('peer:connect', () => log('connected', Math.floor(clock.nowMs / 10_000)))
      await loseKept(a, b, context)
      await clock.sleep(10_000)
      await network.restart(b)
      await clock.sleep(30_000)
      await a.run((_, { libp2p }) => libp2p.hangUp(b.peerId))
      await clock.sleep(10_000)
      log(a.libp2p.getPeers().length)
    },
  },
  {
    name: 'a peer with a keep-alive tag that stays away: given up after a while, and told of',
    async run(context, log) {
      const { nodes, clock } = context
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      a.libp2p.addEventListener('peer:reconnect-failure', () => log('given up', Math.floor(clock.nowMs / 10_000)))
      await loseKept(a, b, context)
      await clock.sleep(60_000)
      const { tags } = await a.run((_, { libp2p }) => libp2p.peerStore.get(b.peerId))
      log(tags.size)
    },
  },
  {
    name: 'a protocol that is handled while the peer is connected, and no longer',
    async run({ nodes, clock }, log) {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      await a.dial(b)
      await clock.sleep(1_000)
      await a.run((_, { libp2p }) =>
        libp2p.register('/late/1', { onConnect: () => log('on'), onDisconnect: () => log('off') }),
      )
      await b.run((_, { libp2p }) => libp2p.handle('/late/1', () => {}))
      await clock.sleep(5_000)
      await b.run((_, { libp2p }) => libp2p.unhandle('/late/1'))
      await clock.sleep(5_000)
    },
  },
  {
    name: 'a protocol that is handled just before the peer connects: told with the connection, and once more after it',
    async run({ nodes, clock }, log) {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      const listen = (name: string): Promise<string> =>
        a.run((_, { libp2p }) => libp2p.register('/early/1', { onConnect: () => log(name) }))
      await clock.sleep(5_000)
      await listen('first')
      await b.run((_, { libp2p }) => libp2p.handle('/early/1', () => {}))
      await a.dial(b)
      // The push is under way, and has not arrived.
      await clock.sleep(910)
      await listen('second')
      await clock.sleep(5_000)
    },
  },
  {
    name: 'a peer that is stored as it was: nobody is told',
    async run({ nodes }, log) {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      a.libp2p.addEventListener('peer:update', () => log('updated'))
      const makes: readonly (() => PeerData)[] = [
        () => ({ tags: { x: { value: 1 } } }),
        () => ({ tags: { x: { value: 1, ttl: 5_000 } } }),
        () => ({ metadata: { x: Uint8Array.of(1) } }),
        () => ({ multiaddrs: [multiaddr(PLACE)] }),
        () => ({ addresses: [{ multiaddr: multiaddr(PLACE), isCertified: true }] }),
        () => ({ protocols: ['/a/1'] }),
      ]
      await a.run(async (_, { libp2p: { peerStore } }) => {
        for (const [index, make] of makes.entries()) {
          for (const method of ['patch', 'patch', 'merge'] as const) {
            log(index, method)
            await peerStore[method](b.peerId, make())
          }
        }
      })
    },
  },
  {
    name: 'what a peer store refuses, and keeps nothing of',
    async run({ nodes }, log) {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      const refused = [
        { tags: { x: { value: 101 } } },
        { tags: { x: { value: 5.5 } } },
        { tags: { x: { value: -1 } } },
        { tags: { x: { value: 5, ttl: -1 } } },
        { tags: { x: { value: 5, ttl: 0.5 } } },
        { metadata: { x: 'text' as never } },
        { publicKey: a.libp2p.peerId.publicKey as never },
        { multiaddrs: ['/ip4/10.0.0.1' as never] },
        undefined as never,
      ]
      const accepted = [{ tags: { x: {} } }, { tags: { x: { value: 100, ttl: 5 } } }, { tags: { x: undefined } }]
      await a.run(async (_, { libp2p: { peerStore } }) => {
        for (const method of ['merge', 'patch', 'save'] as const) {
          for (const data of refused) log(await outcome(() => peerStore[method](b.peerId, data)))
          log(await peerStore.has(b.peerId))
        }
        for (const data of accepted) log(await outcome(() => peerStore.merge(b.peerId, data)))
      })
    },
  },
]

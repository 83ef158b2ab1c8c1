import type { PeerInfo } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { kademlia } from '../src/index.ts'
import { believed } from '../src/reach.ts'
import { at, collect, ListStrategy, makeDiscovery, makePeerIds } from './support.ts'

const ids = await makePeerIds(3)
const [self, peer] = [at(ids, 0), at(ids, 1)]
const RELAY = `p2p/${at(ids, 2).toString()}/p2p-circuit`

const MACHINE = [
  '/ip4/127.0.0.1/tcp/22',
  '/ip4/127.9.9.9/udp/1/quic-v1',
  '/ip4/0.0.0.0/tcp/22',
  '/ip6/::1/tcp/22',
  '/ip6/::/tcp/22',
  '/ip6/::ffff:127.0.0.1/tcp/22',
  '/dns4/localhost/tcp/22',
  '/dns4/a.LOCALHOST./tcp/22',
  '/dns4/0177.1/tcp/22',
  '/dns6/::1/tcp/22',
  '/dns/0::1/tcp/22',
  '/dns6/::1%lo/tcp/22',
  '/dns/::/tcp/22',
  '/dns4/::ffff:127.0.0.1/tcp/22',
  '/dns/::ffff:7f00:1/tcp/22',
  '/dns/ip6-localhost/tcp/22',
  '/dns/localhost.localdomain/tcp/22',
  '/dns4/a#.example/tcp/22',
  '/ip6/64:ff9b::7f00:1/tcp/22',
  `/ip4/127.0.0.1/tcp/22/${RELAY}`,
  '/unix/var%2Frun%2Fx.sock',
  '/memory/x',
]
const NETWORK = [
  '/ip4/10.0.0.1/tcp/22',
  '/ip4/172.16.0.1/tcp/22',
  '/ip4/192.168.1.1/tcp/80/ws',
  '/ip4/169.254.169.254/tcp/80',
  '/ip4/100.64.0.1/tcp/22',
  '/ip6/fe80::1/tcp/22',
  '/ip6zone/eth0/ip6/fe80::1/tcp/22',
  '/ip6/fd00::1/tcp/22',
  '/ip6/::ffff:10.0.0.1/tcp/22',
  '/ip6/64:ff9b::a00:1/tcp/22',
  '/ip6/64:ff9b:1::808:808/tcp/22',
  '/ip6/fec0::1/tcp/22',
  '/ip6/::7f00:1/tcp/22',
  '/dns4/167772161/tcp/22',
  '/dns6/fd00::1/tcp/22',
  '/dns/router/tcp/22',
  '/dns/router.local/tcp/22',
  `/ip4/10.0.0.1/tcp/22/${RELAY}`,
]
const WORLD = [
  '/ip4/8.8.8.8/tcp/9000',
  '/ip6/2606:4700::1111/tcp/9000',
  '/ip6/64:ff9b::808:808/tcp/9000',
  '/dns4/seed.gridmesh.net/tcp/9000',
  '/dns6/2606:4700::1111/tcp/9000',
]
const ALL = [...MACHINE, ...NETWORK, ...WORLD]

/** What is left of all addresses when somebody at `tellers` tells of them. */
function left(...tellers: string[]): string[] {
  const told = { id: peer, addresses: ALL.map((address) => multiaddr(address)) }
  const addresses =
    believed(
      told,
      tellers.map((teller) => multiaddr(teller)),
    )?.addresses ?? []
  return ALL.filter((address) => addresses.some((one) => one.equals(multiaddr(address))))
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it.each([
  ['this machine', '/ip4/127.0.0.1/tcp/1', ALL],
  ['memory', '/memory/y', ALL],
  ['a private network', '/ip4/192.168.1.9/tcp/1', [...NETWORK, ...WORLD]],
  ['the world', '/ip4/203.0.114.1/tcp/1', WORLD],
  ['a relay in a private network', `/ip4/192.168.1.9/tcp/1/${RELAY}`, WORLD],
])('believes somebody on %s no nearer address than its own', (_, teller, expected) => {
  expect(left(teller)).toEqual(expected)
})

it('believes what any of several can know, and nothing where there is nobody', () => {
  expect(left('/ip4/203.0.114.1/tcp/1', '/ip4/10.1.1.1/tcp/1')).toEqual([...NETWORK, ...WORLD])
  expect(left()).toEqual([])
})

it('drops from a record what it drops from the addresses, and the candidate with the last of them', () => {
  const teller = multiaddr('/ip4/203.0.114.1/tcp/1')
  fc.assert(
    fc.property(fc.subarray(ALL), (list) => {
      const addresses = list.map((address) => multiaddr(address))
      const known = believed({ id: peer, addresses, record: { seq: 1n, addresses } }, [teller])
      const expected = list.filter((address) => WORLD.includes(address)).length
      expect(known === undefined).toBe(expected === 0 && list.length > 0)
      expect(known?.addresses ?? []).toHaveLength(expected)
      expect(known?.record?.addresses ?? []).toEqual(known?.addresses ?? [])
    }),
  )
})

it.each([
  ['/ip4/203.0.114.1/tcp/1', ['/ip4/8.8.8.8/tcp/9000']],
  ['/ip4/10.1.1.1/tcp/1', ['/ip4/10.0.0.1/tcp/22', '/ip4/8.8.8.8/tcp/9000']],
  ['/ip4/127.0.0.1/tcp/1', ['/ip4/127.0.0.1/tcp/22', '/ip4/10.0.0.1/tcp/22', '/ip4/8.8.8.8/tcp/9000']],
  [undefined, ['/ip4/127.0.0.1/tcp/22', '/ip4/10.0.0.1/tcp/22', '/ip4/8.8.8.8/tcp/9000']],
])('dials, where a peer at %s told of them, %j, and tells other strategies of no more', async (teller, expected) => {
  const addresses = ['/ip4/127.0.0.1/tcp/22', '/ip4/10.0.0.1/tcp/22', '/ip4/8.8.8.8/tcp/9000'].map((one) =>
    multiaddr(one),
  )
  const source = teller === undefined ? {} : { source: multiaddr(teller) }
  const other = new ListStrategy('other', [])
  const found = vi.spyOn(other, 'found')
  const strategies = [new ListStrategy('told', [{ id: peer, addresses, ...source }]), other]
  const { world, service } = makeDiscovery(self, { strategies })
  await service.start()
  service.afterStart()
  await vi.advanceTimersByTimeAsync(100)
  expect(world.dials.flatMap(({ addresses: dialled }) => dialled).toSorted()).toEqual(
    expected.map((address) => `${address}/p2p/${peer.toString()}`).toSorted(),
  )
  expect(found.mock.calls[0]?.[0].addresses.map(String)).toEqual(expected)
  await service.stop()
})

it('believes a walk no nearer address than those of the peers to which it is linked', async () => {
  const peerRouting = {
    async *getClosestPeers(): AsyncGenerator<PeerInfo> {
      yield { id: peer, multiaddrs: ALL.map((address) => multiaddr(address)) }
      yield { id: at(ids, 2), multiaddrs: MACHINE.map((address) => multiaddr(address)) }
    },
  }
  const connectionManager = { getConnections: () => [{ remoteAddr: multiaddr('/ip4/203.0.114.1/tcp/1') }] as never }
  const signal = new AbortController().signal
  const found = await collect(kademlia()({ peerRouting, connectionManager }).discover({ need: [], signal }))
  expect(found.map(({ addresses }) => addresses.map(String))).toEqual([WORLD])
})

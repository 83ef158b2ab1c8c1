import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { DefaultDiscovery } from '../src/discovery-service.ts'
import { hostKey } from '../src/host-key.ts'
import type { DiscoveryInit, SourcedCandidate } from '../src/index.ts'
import { addressOf, at, candidateOf, type FakeWorld, ListStrategy, makeDiscovery, makePeerIds } from './support.ts'

const ids = await makePeerIds(300)
const self = at(ids, 0)
const peers = ids.slice(1)

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

interface Running {
  world: FakeWorld
  service: DefaultDiscovery
  readonly stop: () => Promise<void>
}

async function run(strategies: ListStrategy[], init: DiscoveryInit = {}): Promise<Running> {
  const { world, service } = makeDiscovery(self, { strategies, ...init })
  await service.start()
  service.afterStart()
  const stop = async (): Promise<void> => {
    await service.beforeStop()
    await service.stop()
  }
  return { world, service, stop }
}

/** One candidate for each peer, all at a few ports of one machine. */
function crowdAt(ip: string, count: number): SourcedCandidate[] {
  return peers.slice(0, count).map((id, index) => {
    return {
      id,
      addresses: Array.from({ length: 8 }, (_, port) => multiaddr(`/ip4/${ip}/tcp/${index * 8 + port + 1}`)),
    }
  })
}

/** When a host was dialled, in ms. */
function dialsTo(world: FakeWorld, host: string): number[] {
  const isThere = (address: string): boolean => hostKey(multiaddr(address)) === host
  return world.dials.filter(({ addresses }) => addresses.some(isThere)).map(({ at: time }) => time)
}

it.each([
  ['/ip4/192.0.2.7/tcp/1', 'ip4/192.0.2.7'],
  ['/ip6/::ffff:192.0.2.7/tcp/1', 'ip4/192.0.2.7'],
  ['/dns4/0xc0.0.2.7/tcp/1', 'ip4/192.0.2.7'],
  ['/ip6/64:ff9b::c000:207/tcp/1', 'ip4/192.0.2.7'],
  ['/dns/::ffff:192.0.2.7/tcp/1', 'ip4/192.0.2.7'],
  ['/dns6/2001:db8:0:1::9/tcp/1', 'ip6/2001:db8:0:1'],
  ['/ip6/2001:db8::1:2:3:4:5/tcp/1', 'ip6/2001:db8:0:1'],
  ['/ip6/2001:db8:0:1::9/udp/1/quic-v1', 'ip6/2001:db8:0:1'],
  ['/dns4/a.b.Example.org./tcp/1', 'dns/example.org'],
  [`/ip4/192.0.2.7/tcp/1/p2p/${self.toString()}/p2p-circuit`, 'ip4/192.0.2.7'],
  ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/1'],
  [`/ip4/127.0.0.1/tcp/1/p2p/${self.toString()}`, '/ip4/127.0.0.1/tcp/1'],
  ['/dns4/localhost/tcp/1', '/dns4/localhost/tcp/1'],
  ['/memory/x', '/memory/x'],
])('dials for %s the host %s', (address, host) => {
  expect(hostKey(multiaddr(address))).toBe(host)
})

it('dials a machine that is told of under 250 ids, at 2,000 ports, as seldom as one peer that does not answer', async () => {
  const { world, stop } = await run([new ListStrategy('told', crowdAt('192.0.2.7', 250))])
  await vi.advanceTimersByTimeAsync(60_000)
  // 1 s, 2 s … 32 s, at least half of each.
  expect(world.dials.length).toBeLessThanOrEqual(8)
  expect(world.dials.length).toBeGreaterThan(3)
  expect(world.dials.every(({ addresses }) => addresses.length === 8)).toBe(true)
  await stop()
})

it('waits for each host twice as long with each dial that fails, less up to half, whoever is said to be there', async () => {
  const told = fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }), { minLength: 20, maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(told, async (hosts) => {
      const offers = hosts.map((of, index): SourcedCandidate => {
        return { id: at(peers, index), addresses: of.map((host) => multiaddr(`/ip4/192.0.2.${host}/tcp/${index + 1}`)) }
      })
      const { world, stop } = await run([new ListStrategy('told', offers)])
      await vi.advanceTimersByTimeAsync(100_000)
      for (let host = 0; host <= 5; host++) {
        const times = dialsTo(world, `ip4/192.0.2.${host}`)
        for (const [index, time] of times.slice(1).entries()) {
          expect(time - at(times, index)).toBeGreaterThanOrEqual(500 * 2 ** index)
        }
      }
      await stop()
    }),
    { numRuns: 10 },
  )
})

it('dials a peer at those of its addresses whose hosts are not waited for', async () => {
  const [crowd, own] = [multiaddr('/ip4/192.0.2.7/tcp/1'), multiaddr('/ip4/198.51.100.1/tcp/1')]
  const strategy = new ListStrategy('told', [{ id: at(peers, 0), addresses: [crowd] }])
  const { world, stop } = await run([strategy], { backoffBaseMs: 60_000 })
  await vi.advanceTimersByTimeAsync(500)
  strategy.offers = [{ id: at(peers, 1), addresses: [crowd, own] }]
  await vi.advanceTimersByTimeAsync(5_000)
  const whole = (address: Multiaddr, index: number): string =>
    `${address.toString()}/p2p/${at(peers, index).toString()}`
  expect(world.dials.map(({ addresses }) => addresses)).toEqual([[whole(crowd, 0)], [whole(own, 1)]])
  await stop()
})

it('links to many peers on one machine quickly, since one that answers ends the wait for its host', async () => {
  const { world, service, stop } = await run([new ListStrategy('told', crowdAt('192.0.2.7', 40))])
  for (const id of peers) world.reachable.add(id.toString())
  await vi.advanceTimersByTimeAsync(5_000)
  expect(service.stats().ready).toBeGreaterThanOrEqual(30)
  await stop()
})

it('does not wait for one port of its own machine because of another', async () => {
  const { world, stop } = await run([new ListStrategy('told', crowdAt('127.0.0.1', 40))])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(new Set(world.dials.map(({ peer }) => peer)).size).toBe(40)
  await stop()
})

it('begins anew with a name that is dialled by the address it stands for', async () => {
  const offers = peers.slice(0, 40).map((id, index): SourcedCandidate => {
    return { id, addresses: [multiaddr(`/dns4/node${index}.example.org/tcp/9000`)] }
  })
  const { world, service, stop } = await run([new ListStrategy('told', offers)])
  const dial = world.dial.bind(world)
  vi.spyOn(world, 'dial').mockImplementation(async (target, signal) => {
    return Object.assign(await dial(target, signal), { remoteAddr: addressOf(world.dials.length) })
  })
  for (const id of peers) world.reachable.add(id.toString())
  await vi.advanceTimersByTimeAsync(5_000)
  expect(service.stats().ready).toBeGreaterThanOrEqual(30)
  await stop()
})

it('notes a host that was dialled in vain though the peer answered at another, and not one that was not dialled', async () => {
  const [dead, next] = [multiaddr('/ip4/192.0.2.7/tcp/1'), multiaddr('/ip4/203.0.113.1/tcp/1')]
  const strategy = new ListStrategy('told', [])
  strategy.offers = peers.slice(0, 40).map((id, index) => {
    return { id, addresses: [dead, multiaddr(`/ip4/198.51.100.${index}/tcp/1`), next] }
  })
  const { world, stop } = await run([strategy], { backoffBaseMs: 60_000, targetPeers: 50 })
  world.isThere = (address) => hostKey(address) !== hostKey(dead)
  for (const id of peers) world.reachable.add(id.toString())
  await vi.advanceTimersByTimeAsync(5_000)
  expect(world.linked()).toHaveLength(40)
  expect([dead, next].map((address) => dialsTo(world, hostKey(address)).length)).toEqual([1, 0])
  strategy.offers = [{ id: at(peers, 50), addresses: [next] }]
  await vi.advanceTimersByTimeAsync(60_000)
  expect(world.linked()).toContain(at(peers, 50).toString())
  await stop()
})

it('gives up a candidate after dialDeadlineMs, however many hosts it is said to be at', async () => {
  const addresses = [1, 2, 3].map((host) => multiaddr(`/ip4/192.0.2.${host}/tcp/1`))
  const init = { dialDeadlineMs: 3_000, backoffBaseMs: 60_000 }
  const { world, service, stop } = await run([new ListStrategy('told', [{ id: at(peers, 0), addresses }])], init)
  world.dialMs = 1_400
  await vi.advanceTimersByTimeAsync(3_100)
  expect(world.dials.map(({ addresses: [address] }) => address?.slice(0, 14))).toEqual([
    '/ip4/192.0.2.1',
    '/ip4/192.0.2.2',
    '/ip4/192.0.2.3',
  ])
  expect(service.stats().dials).toMatchObject({ attempts: 1, failed: 1 })
  await stop()
})

it('comes to the third host of a peer though nothing comes back from two, which are in the configuration', async () => {
  const addresses = ['192.0.2.7', '198.51.100.7', '203.0.113.7'].map((ip) => multiaddr(`/ip4/${ip}/tcp/1`))
  const id = at(peers, 0)
  const named = Object.assign(new ListStrategy('static', [{ id, addresses }]), { isConfigured: true })
  const { world, stop } = await run([named], { dialDeadlineMs: 10_000 })
  world.reachable.add(id.toString())
  // As long as libp2p tries one address.
  world.dialMs = 6_000
  world.isThere = () => false
  await vi.advanceTimersByTimeAsync(7_400)
  world.dialMs = 1_000
  world.isThere = () => true
  await vi.advanceTimersByTimeAsync(1_200)
  expect(dialsTo(world, 'ip4/203.0.113.7')).toHaveLength(1)
  expect(world.linked()).toEqual([id.toString()])
  await stop()
})

it('dials a peer as often as alone, whatever another teller says is on its machine', async () => {
  const [victim, honest, liar] = ['/ip4/93.184.216.34/tcp/1', '/ip4/20.1.1.1/tcp/1', '/ip4/30.1.1.1/tcp/1'].map((one) =>
    multiaddr(one),
  )
  if (victim === undefined || honest === undefined || liar === undefined) throw new RangeError('three addresses')
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 8 }), fc.boolean(), async (perSecond, doesRepeat) => {
      const strategy = new ListStrategy('told', [])
      const { world, stop } = await run([strategy])
      const waits = { id: at(peers, 0), addresses: [victim], source: honest }
      for (let second = 0; second < 30; second++) {
        const from = 1 + second * perSecond
        const lies = peers.slice(from, from + perSecond).map((id) => ({ id, addresses: [victim], source: liar }))
        // Who tells of the peer itself first, and again and again, does not make it its own.
        strategy.offers = [...(doesRepeat ? [{ ...waits, source: liar }] : []), ...lies, waits]
        await vi.advanceTimersByTimeAsync(1_000)
      }
      const times = world.dials.filter(({ peer }) => peer === at(peers, 0).toString()).map(({ at: time }) => time)
      // 1 s, 2 s … 16 s at most, and a second until the next round.
      expect(times.length).toBeGreaterThanOrEqual(4)
      for (const [index, time] of times.slice(1).entries()) {
        expect(time - at(times, index)).toBeLessThanOrEqual(1_000 * 2 ** index + 2_000)
      }
      await stop()
    }),
    { numRuns: 20 },
  )
})

it('dials a peer where it was reached before, whatever is said to be there', async () => {
  const victim = multiaddr('/ip4/192.0.2.7/tcp/1')
  const told = new ListStrategy('told', crowdAt('192.0.2.7', 200).slice(1))
  const { world, stop } = await run([told], { backoffBaseMs: 60_000 })
  await vi.advanceTimersByTimeAsync(500)
  told.offers = [{ id: at(peers, 0), addresses: [victim], reached: victim }]
  await vi.advanceTimersByTimeAsync(2_000)
  expect(world.dials.map(({ peer }) => peer)).toContain(at(peers, 0).toString())
  expect(world.dials).toHaveLength(2)
  await stop()
})

it('dials whom the configuration names whatever others say is on the same machine', async () => {
  const named = Object.assign(new ListStrategy('static', crowdAt('192.0.2.7', 4)), { isConfigured: true })
  const told = new ListStrategy('told', crowdAt('192.0.2.7', 200).slice(4))
  const { world, stop } = await run([told, named], { backoffBaseMs: 60_000 })
  await vi.advanceTimersByTimeAsync(5_000)
  const dialled = new Set(world.dials.map(({ peer }) => peer))
  expect(peers.slice(0, 4).every((id) => dialled.has(id.toString()))).toBe(true)
  expect(world.dials).toHaveLength(5)
  await stop()
})

it('looks up by its id a candidate without addresses', async () => {
  const { world, stop } = await run([new ListStrategy('told', [{ id: at(peers, 0), addresses: [] }])])
  await vi.advanceTimersByTimeAsync(100)
  expect(world.dials).toMatchObject([{ peer: at(peers, 0).toString(), addresses: [] }])
  await stop()
})

it('does not dial an address that names another peer', async () => {
  const other = multiaddr(`/dnsaddr/example.org/p2p/${at(peers, 1).toString()}`)
  const strategy = new ListStrategy('told', [{ ...candidateOf(at(peers, 0), 0), addresses: [addressOf(0), other] }])
  const { world, stop } = await run([strategy])
  await vi.advanceTimersByTimeAsync(100)
  expect(world.dials.map(({ addresses }) => addresses)).toEqual([
    [`${addressOf(0).toString()}/p2p/${at(peers, 0).toString()}`],
  ])
  await stop()
})

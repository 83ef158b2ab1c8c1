import { type DiscoveryNeed, HandshakeRejectedError } from '@gridmesh/interfaces'
import { AbortError, type PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { DefaultDiscovery } from '../src/discovery-service.ts'
import type { DiscoveryComponents, DiscoveryInit } from '../src/index.ts'
import {
  addressOf,
  AGREEABLE,
  at,
  candidateOf,
  FakePeerManager,
  type FakeWorld,
  ListStrategy,
  makeDiscovery,
  makePeerIds,
} from './support.ts'

const ids = await makePeerIds(120)
const self = at(ids, 0)
const peers = ids.slice(1)

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function offer(from: number, to: number): ReturnType<typeof candidateOf>[] {
  return peers.slice(from, to).map((id, index) => candidateOf(id, from + index))
}

interface Running {
  world: FakeWorld
  service: DefaultDiscovery
  events: string[]
  readonly stop: () => Promise<void>
}

async function run(init: DiscoveryInit, siblings: Partial<DiscoveryComponents> = {}): Promise<Running> {
  const { world, service } = makeDiscovery(self, init, siblings)
  const events: string[] = []
  service.addEventListener('discovery:minimum', ({ detail: { isMet, ready, minPeers } }) => {
    events.push(`minimum ${isMet ? 'met' : 'lost'} ${ready}/${minPeers}`)
  })
  service.addEventListener('discovery:alone', () => events.push('alone'))
  await service.start()
  service.afterStart()
  const stop = async (): Promise<void> => {
    await service.beforeStop()
    await service.stop()
    expect(vi.getTimerCount()).toBe(0)
  }
  return { world, service, events, stop }
}

function reachable(world: FakeWorld, list: readonly PeerId[]): void {
  for (const id of list) world.reachable.add(id.toString())
}

it('dials until the target is reached, and tells when the minimum is', async () => {
  const strategy = new ListStrategy('list', offer(0, 60))
  const { world, service, events, stop } = await run({ strategies: [strategy], minPeers: 3, targetPeers: 10 })
  reachable(world, peers)
  await vi.advanceTimersByTimeAsync(5_000)
  const { ready, linked, timeToMinimumMs, timeToTargetMs, dials } = service.stats()
  expect(ready).toBe(linked)
  expect(ready).toBeGreaterThanOrEqual(10)
  expect(ready).toBeLessThanOrEqual(18)
  expect(events).toEqual(['alone', 'minimum lost 0/3', 'minimum met 3/3'])
  expect(timeToMinimumMs).toBeGreaterThan(0)
  expect(timeToTargetMs).toBeGreaterThanOrEqual(timeToMinimumMs ?? Infinity)
  expect(dials.attempts).toBe(dials.succeeded)
  expect(dials.attempts).toBe(world.dials.length)
  await stop()
})

it('leaves a node alone that has its target', async () => {
  const strategy = new ListStrategy('list', offer(0, 60))
  const { world, stop } = await run({ strategies: [strategy], minPeers: 1, targetPeers: 5 })
  for (const id of peers.slice(60, 70)) world.open(id, 'outbound')
  await vi.advanceTimersByTimeAsync(300_000)
  expect(world.dials).toEqual([])
  await stop()
})

it('asks every second below the minimum while there is news, and every 30 s at the target', async () => {
  const strategy = new ListStrategy('list', offer(0, 1))
  const { world, service, stop } = await run({ strategies: [strategy], minPeers: 1, targetPeers: 2 })
  world.onDial = async () => new Promise(() => {})
  for (let second = 1; second <= 10; second++) {
    await vi.advanceTimersByTimeAsync(999)
    expect(service.stats().rounds).toBe(second)
    strategy.offers = offer(0, second + 1)
    await vi.advanceTimersByTimeAsync(1)
  }
  for (const id of peers.slice(60, 62)) world.open(id, 'outbound')
  await vi.advanceTimersByTimeAsync(30_000)
  const { rounds } = service.stats()
  await vi.advanceTimersByTimeAsync(300_000)
  expect(service.stats().rounds - rounds).toBe(10)
  await stop()
})

it('makes more dials the fewer succeed, as many as maxDialsPerRound, and dialConcurrency at once', async () => {
  const strategy = new ListStrategy('list', offer(0, 100))
  const init = { strategies: [strategy], minPeers: 20, targetPeers: 20, maxDialsPerRound: 12, dialConcurrency: 4 }
  const { world, service, stop } = await run(init)
  await vi.advanceTimersByTimeAsync(999)
  expect(world.dials).toHaveLength(12)
  expect(world.maxActive).toBe(4)
  expect(service.stats().successRatio).toBeLessThan(0.15)
  await stop()
})

it('never dials itself, a banned peer, or one that is connected', async () => {
  const manager = new FakePeerManager()
  const [banned, linked, free] = [at(peers, 0), at(peers, 1), at(peers, 2)]
  manager.banned.add(banned.toString())
  const offers = [self, banned, linked, free].map((id, index) => candidateOf(id, index))
  const strategy = new ListStrategy('list', offers)
  const { world, service, stop } = await run({ strategies: [strategy] }, { peerManager: manager })
  world.open(linked)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(new Set(world.dials.map(({ peer }) => peer))).toEqual(new Set([free.toString()]))
  expect(service.stats().candidates).toBe(1)
  await stop()
})

it('does not dial a candidate that was banned after it was found', async () => {
  const manager = new FakePeerManager()
  const strategy = new ListStrategy('list', offer(0, 1))
  const { world, stop } = await run({ strategies: [strategy] }, { peerManager: manager })
  await vi.advanceTimersByTimeAsync(100)
  expect(world.dials).toHaveLength(1)
  manager.banned.add(at(peers, 0).toString())
  await vi.advanceTimersByTimeAsync(60_000)
  expect(world.dials).toHaveLength(1)
  await stop()
})

it('holds against a peer that it answers a dial and leaves before it is ready', async () => {
  const manager = new FakePeerManager()
  const strategy = new ListStrategy('list', offer(0, 1))
  const siblings = { peerManager: manager, handshake: AGREEABLE as never }
  const { world, stop } = await run({ strategies: [strategy], minPeers: 3, targetPeers: 3 }, siblings)
  reachable(world, peers)
  world.open(at(peers, 50))
  await vi.advanceTimersByTimeAsync(100)
  expect(world.linked()).toContain(at(peers, 0).toString())
  world.close(at(peers, 0))
  expect(strategy.told).toEqual([`failed ${at(peers, 0).toString()}`])
  await stop()
})

it('backs off from a candidate: at least half of 1, 2, 4 … s between its dials, and lets it go after 5', async () => {
  const strategy = new ListStrategy('list', offer(0, 1))
  const { world, service, stop } = await run({ strategies: [strategy] })
  await vi.advanceTimersByTimeAsync(10)
  strategy.offers = []
  await vi.advanceTimersByTimeAsync(600_000)
  const gaps = world.dials.slice(1).map(({ at: time }, index) => time - (world.dials[index]?.at ?? 0))
  expect(gaps).toHaveLength(4)
  for (const [index, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(500 * 2 ** index)
  expect(service.stats().candidates).toBe(0)
  await stop()
})

it('keeps backing off from a peer that answers and leaves at once, and starts over after a link of stableMs', async () => {
  const strategy = new ListStrategy('list', offer(0, 1))
  const { world, stop } = await run({ strategies: [strategy], stableMs: 60_000 })
  const peer = at(peers, 0)
  reachable(world, [peer])
  world.events.addEventListener('connection:open', () => setTimeout(() => world.close(peer), 100))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(world.dials.length).toBeLessThan(9)
  await stop()

  const steady = await run({ strategies: [new ListStrategy('list', offer(0, 1))], stableMs: 60_000 })
  reachable(steady.world, [peer])
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(61_000)
    steady.world.close(peer)
    await vi.advanceTimersByTimeAsync(1_100)
  }
  expect(steady.world.dials).toHaveLength(6)
  await steady.stop()
})

it.each(['us', 'them'] as const)(
  'leaves a peer alone for 300 s, less up to half, that made room since it was idle, by %s',
  async (by) => {
    const manager = new FakePeerManager()
    const siblings = { peerManager: manager as never, handshake: AGREEABLE as never }
    const { world, stop } = await run({ strategies: [new ListStrategy('list', offer(0, 1))] }, siblings)
    const peer = at(peers, 0)
    reachable(world, [peer])
    sayRoles(world, manager, () => 'consumer')
    await vi.advanceTimersByTimeAsync(600_000)
    expect(world.dials).toHaveLength(1)
    manager.gone(peer, { by, reason: { code: 'idle', message: 'no message' } })
    await vi.advanceTimersByTimeAsync(100)
    world.close(peer)
    await vi.advanceTimersByTimeAsync(149_000)
    expect(world.dials).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(190_000)
    expect(world.dials).toHaveLength(2)
    await stop()
  },
)

it('counts as ready who the peer manager says is, and takes in those of whom it will say so soon', async () => {
  const manager = new FakePeerManager()
  const strategy = new ListStrategy('list', offer(0, 60))
  const siblings = { peerManager: manager as never, handshake: AGREEABLE as never }
  const { world, service, events, stop } = await run({ strategies: [strategy], minPeers: 2, targetPeers: 2 }, siblings)
  reachable(world, peers)
  await vi.advanceTimersByTimeAsync(1_000)
  const dialled = world.dials.length
  expect(dialled).toBeGreaterThanOrEqual(2)
  expect(service.stats().ready).toBe(0)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(world.dials).toHaveLength(dialled)
  for (const key of world.linked().slice(0, 2))
    manager.ready(
      at(
        peers,
        peers.findIndex((id) => id.toString() === key),
      ),
    )
  expect(service.stats().ready).toBe(2)
  expect(events).toEqual(['alone', 'minimum lost 0/2', 'minimum met 2/2'])
  expect(strategy.told.filter((line) => line.startsWith('succeeded'))).toHaveLength(2)
  expect(strategy.told.join('\n')).toContain('prosumer')
  expect(manager.told.filter((line) => line.startsWith('connecting'))).toHaveLength(dialled)
  await stop()
})

it('dials further peers where those that are connected do not become ready', async () => {
  const manager = new FakePeerManager()
  const siblings = { peerManager: manager as never, handshake: AGREEABLE as never }
  const init = { strategies: [new ListStrategy('list', offer(0, 60))], minPeers: 2, targetPeers: 2 }
  const { world, stop } = await run(init, siblings)
  reachable(world, peers)
  await vi.advanceTimersByTimeAsync(1_000)
  const dialled = world.dials.length
  await vi.advanceTimersByTimeAsync(60_000)
  expect(world.dials.length).toBeGreaterThan(dialled)
  await stop()
})

it('counts every connected peer where there is a peer manager and no handshake to make any ready', async () => {
  const { world, service, stop } = await run({ strategies: [] }, { peerManager: new FakePeerManager() })
  world.open(at(peers, 0))
  expect(service.stats().ready).toBe(1)
  await stop()
})

it('looks at once when a lost peer takes it below the minimum', async () => {
  const strategy = new ListStrategy('list', [])
  const { world, service, events, stop } = await run({ strategies: [strategy], minPeers: 2, targetPeers: 2 })
  for (const id of peers.slice(0, 2)) world.open(id)
  await vi.advanceTimersByTimeAsync(45_000)
  const { rounds } = service.stats()
  world.close(at(peers, 0))
  expect(events.at(-1)).toBe('minimum lost 1/2')
  await vi.advanceTimersByTimeAsync(0)
  expect(service.stats().rounds).toBe(rounds + 1)
  await stop()
})

it('asks fallbacks below the minimum only, and begins with them anew when no peer is left', async () => {
  const fallback = new ListStrategy('bootstrap', offer(0, 1), true)
  const other = new ListStrategy('list', [])
  const { world, events, stop } = await run({
    strategies: [fallback, other],
    minPeers: 1,
    targetPeers: 9,
    minOutbound: 0,
  })
  await vi.advanceTimersByTimeAsync(120_000)
  const fruitless = world.dials.length
  expect(fruitless).toBeGreaterThan(4)
  world.open(at(peers, 5))
  const runs = [fallback.runs, other.runs]
  await vi.advanceTimersByTimeAsync(300_000)
  expect(fallback.runs).toBe(runs[0])
  expect(other.runs).toBeGreaterThan(runs[1] ?? 0)

  const before = world.dials.length
  world.close(at(peers, 5))
  expect(events.slice(-2)).toEqual(['alone', 'minimum lost 0/1'])
  await vi.advanceTimersByTimeAsync(1)
  expect(world.dials).toHaveLength(before + 1)
  await stop()
})

it('waits neither for the peers of a fallback nor for its breaker once no peer is left', async () => {
  const waiting = new ListStrategy('bootstrap', offer(0, 1), true)
  const failing = new ListStrategy('static', [], true)
  vi.spyOn(failing, 'discover').mockImplementation(() => {
    failing.runs++
    throw new RangeError('down')
  })
  const strategies = [waiting, failing, new ListStrategy('list', [])]
  const { world, service, stop } = await run({ strategies, minPeers: 1, targetPeers: 9, minOutbound: 0 })
  await vi.advanceTimersByTimeAsync(600_000)
  const last = world.dials.length
  await vi.waitUntil(async () => {
    await vi.advanceTimersByTimeAsync(100)
    return world.dials.length > last && service.stats().strategies['static']?.breaker === 'open'
  })
  await vi.advanceTimersByTimeAsync(2_000)
  const before = [world.dials.length, failing.runs]

  world.open(at(peers, 5))
  world.close(at(peers, 5))
  await vi.advanceTimersByTimeAsync(1)
  expect([world.dials.length, failing.runs]).toEqual(before.map((count) => count + 1))
  await stop()
})

it('backs off from fallbacks that take it in and part from it at once, though it is alone each time', async () => {
  const fallback = new ListStrategy('bootstrap', offer(0, 2), true)
  const { world, stop } = await run({ strategies: [fallback], dialConcurrency: 1 })
  reachable(world, peers)
  const open = world.open.bind(world)
  vi.spyOn(world, 'open').mockImplementation((peer, ...rest) => {
    setTimeout(() => world.close(peer), 100)
    return open(peer, ...rest)
  })
  await vi.advanceTimersByTimeAsync(600_000)
  // Two peers: five dials of each until the wait is longest, and then one in half of maxIntervalMs at most.
  expect(world.dials.length).toBeLessThanOrEqual(2 * (5 + 40))
  expect(world.dials.length).toBeGreaterThanOrEqual(2 * (5 + 10))
  await vi.advanceTimersByTimeAsync(100)
  await stop()
})

it('waits for a fallback no longer than maxIntervalMs and a round while it is alone', async () => {
  const fallback = new ListStrategy('bootstrap', offer(0, 1), true)
  const { world, service, stop } = await run({ strategies: [fallback] })
  await vi.advanceTimersByTimeAsync(3_600_000)
  const gaps = world.dials.slice(1).map(({ at: time }, index) => time - (world.dials[index]?.at ?? 0))
  expect(Math.max(...gaps)).toBeLessThanOrEqual(60_000)
  reachable(world, peers)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(service.stats().ready).toBe(1)
  await stop()
})

function twoAuthorities(): DiscoveryNeed[] {
  return [{ role: 'authority', count: 2 }]
}

function failToTell(): never {
  throw new TypeError('thrown by a test')
}

it('looks for peers of a role or region though it has its target, and for no others', async () => {
  const manager = new FakePeerManager()
  const [authority, prosumer, unknown] = offer(0, 3)
  const strategy = new ListStrategy('list', [
    { ...authority, role: 'authority' },
    { ...prosumer, role: 'prosumer' },
    { ...unknown },
  ] as never)
  const siblings = { peerManager: manager as never, handshake: AGREEABLE as never }
  const init = { strategies: [strategy], minPeers: 1, targetPeers: 2, minOutbound: 0, needs: twoAuthorities }
  const { world, stop } = await run(init, siblings)
  for (const id of peers.slice(60, 61)) manager.ready(id)
  manager.ready(at(peers, 61), 'authority')
  await vi.advanceTimersByTimeAsync(60_000)
  const dialled = new Set(world.dials.map(({ peer }) => peer))
  expect(dialled).toEqual(new Set([at(peers, 0), at(peers, 2)].map(String)))

  manager.ready(at(peers, 62), 'authority')
  const before = world.dials.length
  await vi.advanceTimersByTimeAsync(300_000)
  expect(world.dials).toHaveLength(before)
  await stop()
})

/** Has each peer become ready as soon as we are connected, and say its role. */
function sayRoles(world: FakeWorld, manager: FakePeerManager, roleOf: (peer: PeerId) => string): void {
  world.events.addEventListener('connection:open', ({ detail: { remotePeer } }) => {
    manager.ready(remotePeer, roleOf(remotePeer))
  })
  world.events.addEventListener('peer:disconnect', ({ detail }) => manager.gone(detail))
}

it('asks one stranger after the other for its role where the target is reached, and keeps none that is not needed', async () => {
  const manager = new FakePeerManager()
  const strategy = new ListStrategy('list', offer(0, 40))
  const siblings = { peerManager: manager as never, handshake: AGREEABLE as never }
  const init = { strategies: [strategy], minPeers: 2, targetPeers: 5, minOutbound: 0, needs: twoAuthorities }
  const { world, service, stop } = await run(init, siblings)
  reachable(world, peers)
  for (const id of peers.slice(60, 65)) world.open(id)
  for (const id of peers.slice(60, 65)) manager.ready(id, 'consumer')
  const roles = new Map<string, string>()
  sayRoles(world, manager, (peer) => roles.get(peer.toString()) ?? 'consumer')
  let most = 0
  world.events.addEventListener('connection:open', () => (most = Math.max(most, world.connections.length)))
  await vi.advanceTimersByTimeAsync(1_800_000)
  // Who said that it is none is not asked again.
  expect(world.dials.map(({ peer }) => peer).toSorted()).toEqual(peers.slice(0, 40).map(String).toSorted())
  expect(most).toBe(5 + 1)
  expect(service.stats().ready).toBe(5)

  const authorities = peers.slice(40, 42).map(String)
  for (const id of authorities) roles.set(id, 'authority')
  strategy.offers = offer(0, 44)
  await vi.advanceTimersByTimeAsync(300_000)
  expect(world.linked()).toEqual(expect.arrayContaining(authorities))
  expect(service.stats().ready).toBe(5 + 2)
  await stop()
})

it('dials nobody of unknown role beyond the target where no handshake would tell it', async () => {
  const init = {
    strategies: [new ListStrategy('list', offer(0, 9))],
    minPeers: 1,
    targetPeers: 1,
    minOutbound: 0,
    needs: twoAuthorities,
  }
  const { world, stop } = await run(init)
  world.open(at(peers, 60))
  await vi.advanceTimersByTimeAsync(300_000)
  expect(world.dials).toEqual([])
  await stop()
})

it('adds what the topology misses to what strategies are asked for, and looks on where the needs cannot be told', async () => {
  const asked: unknown[] = []
  const strategy = { name: 'noting', discover: ({ need }: { need: unknown }) => collectNeed(asked, need) }
  const topology = { needs: () => [{ region: 'north', limit: 3 }, { role: 'authority' }] }
  const one = await run({ strategies: [strategy], targetPeers: 30 }, { topology })
  await vi.advanceTimersByTimeAsync(1)
  expect(asked).toEqual([[{ count: 30 }, { region: 'north', count: 3 }, { role: 'authority', count: 1 }]])
  await one.stop()

  const two = await run({ strategies: [strategy], needs: failToTell })
  await vi.advanceTimersByTimeAsync(1)
  expect(asked.at(-1)).toEqual([{ count: 30 }])
  await two.stop()
})

async function* collectNeed(into: unknown[], need: unknown): AsyncGenerator<never> {
  into.push(need)
  yield* []
}

it('dials through the connection pool where there is one, which tells the peer manager itself', async () => {
  const acquired: string[] = []
  const manager = new FakePeerManager()
  const pool = {
    acquire: async (peer: PeerId) => {
      acquired.push(peer.toString())
      throw Object.assign(new TypeError('full'), { name: 'ConnectionRefusedError' })
    },
  }
  const siblings = { connectionPool: pool as never, peerManager: manager as never }
  const { world, service, stop } = await run({ strategies: [new ListStrategy('list', offer(0, 1))] }, siblings)
  await vi.advanceTimersByTimeAsync(100)
  expect(acquired).toEqual([at(peers, 0).toString()])
  expect([world.dials, manager.told]).toEqual([[], []])
  // Our own limits say nothing of the peer.
  expect(service.stats()).toMatchObject({ dials: { neutral: 1, failed: 0 }, successRatio: 1 / 3 })
  await stop()
})

it('counts a dial as failed that libp2p gave up at an address', async () => {
  const { world, service, stop } = await run({ strategies: [new ListStrategy('list', offer(0, 1))] })
  world.onDial = async () => Promise.reject(new AbortError())
  await vi.advanceTimersByTimeAsync(100)
  expect(service.stats()).toMatchObject({ dials: { failed: 1, neutral: 0 } })
  await stop()
})

it('gives up a dial after dialDeadlineMs', async () => {
  const init = { strategies: [new ListStrategy('list', offer(0, 1))], dialDeadlineMs: 3_000 }
  const { world, service, stop } = await run(init)
  world.onDial = async () => new Promise(() => {})
  await vi.advanceTimersByTimeAsync(2_999)
  expect(service.stats()).toMatchObject({ dialing: 1, dials: { failed: 0 } })
  await vi.advanceTimersByTimeAsync(2)
  expect(service.stats()).toMatchObject({ dials: { failed: 1 } })
  await stop()
})

it('tests an unknown address every feelerIntervalMs by a dial that it closes, but not below the minimum', async () => {
  const strategy = new ListStrategy('list', [])
  strategy.feels = [candidateOf(at(peers, 9), 9)]
  const { world, service, stop } = await run({ strategies: [strategy], minPeers: 1, targetPeers: 1 })
  reachable(world, peers)
  await vi.advanceTimersByTimeAsync(240_000)
  expect(world.dials).toEqual([])
  world.open(at(peers, 0))
  await vi.advanceTimersByTimeAsync(120_100)
  expect(world.dials.map(({ peer }) => peer)).toEqual([at(peers, 9).toString()])
  expect(world.linked()).toEqual([at(peers, 0).toString()])
  expect(strategy.told).toEqual([
    expect.stringMatching(`^succeeded ${at(peers, 9).toString()} ${addressOf(9).toString()}`),
  ])
  world.reachable.clear()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(strategy.told.at(-1)).toBe(`failed ${at(peers, 9).toString()}`)
  expect(service.stats().feelers).toEqual({ attempts: 2, succeeded: 1 })
  await stop()
})

it('tests through the probe of the pool where it has one, at addresses of one network group', async () => {
  const probed: string[] = []
  const pool = {
    acquire: async () => new Promise(() => {}),
    probe: async (_: PeerId, addresses: readonly unknown[]) => void probed.push(addresses.join()),
  }
  const strategy = new ListStrategy('list', [])
  const addresses = ['/ip4/192.0.2.1/tcp/1', '/ip4/198.51.100.1/tcp/1'].map((address) => multiaddr(address))
  strategy.feels = [{ id: at(peers, 9), addresses }]
  const { world, stop } = await run({ strategies: [strategy], minPeers: 1 }, { connectionPool: pool as never })
  world.open(at(peers, 0))
  await vi.advanceTimersByTimeAsync(120_000)
  expect(probed).toEqual(['/ip4/192.0.2.1/tcp/1'])
  expect(strategy.told).toEqual([`succeeded ${at(peers, 9).toString()} /ip4/192.0.2.1/tcp/1`])
  await stop()
})

it('takes a peer that it has dialled for tested as soon as that is ready, and no sooner', async () => {
  const manager = new FakePeerManager()
  const strategy = new ListStrategy('list', [])
  strategy.feels = [candidateOf(at(peers, 9), 9)]
  const siblings = { peerManager: manager as never, handshake: AGREEABLE as never }
  const { world, stop } = await run({ strategies: [strategy], minPeers: 0, targetPeers: 1 }, siblings)
  world.open(at(peers, 9), 'outbound')
  await vi.advanceTimersByTimeAsync(120_000)
  expect(strategy.told).toEqual([])
  manager.ready(at(peers, 9))
  strategy.told.length = 0
  await vi.advanceTimersByTimeAsync(120_000)
  expect(strategy.told).toEqual([`succeeded ${at(peers, 9).toString()} /ip4/192.0.2.1/tcp/1 prosumer`])
  await stop()
})

it('takes a peer that the pool finds of another network for failed, and one that is full for neither', async () => {
  const refusals = [
    new HandshakeRejectedError({ code: 'inbound-full', message: '', limit: 'maxInbound', value: 1 }, 'them'),
    new HandshakeRejectedError({ code: 'wrong-chain', message: '' }, 'them'),
  ]
  const pool = { acquire: async () => new Promise(() => {}), probe: async () => Promise.reject(refusals.shift()) }
  const strategy = new ListStrategy('list', [])
  strategy.feels = [candidateOf(at(peers, 9), 9)]
  const { world, service, stop } = await run({ strategies: [strategy], minPeers: 1 }, { connectionPool: pool as never })
  world.open(at(peers, 0))
  await vi.advanceTimersByTimeAsync(120_000)
  expect(strategy.told).toEqual([])
  await vi.advanceTimersByTimeAsync(120_000)
  expect(strategy.told).toEqual([`failed ${at(peers, 9).toString()}`])
  expect(service.stats().feelers).toEqual({ attempts: 2, succeeded: 0 })
  await stop()
})

it('does not hold a failed dial against a peer while it reaches nobody', async () => {
  const strategy = new ListStrategy('list', offer(0, 2))
  const { world, stop } = await run({ strategies: [strategy] })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(strategy.told).toEqual([])
  world.open(at(peers, 50))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(strategy.told.some((line) => line.startsWith('failed'))).toBe(true)
  await stop()
})

it('tells the other strategies of a candidate, and the world once', async () => {
  const [a, b] = [new ListStrategy('a', offer(0, 1)), new ListStrategy('b', [])]
  const { service, stop } = await run({ strategies: [a, b] })
  const found: string[] = []
  service.addEventListener('discovery:candidate', ({ detail }) => {
    found.push(`${detail.strategy} ${detail.candidate.id.toString()}`)
  })
  await vi.advanceTimersByTimeAsync(5_000)
  expect(found).toEqual([`a ${at(peers, 0).toString()}`])
  expect(a.told).toEqual([])
  expect(new Set(b.told)).toEqual(new Set([`a found ${at(peers, 0).toString()}`]))
  expect(service.stats().strategies['a']).toMatchObject({ candidates: 1, breaker: 'closed', failures: 0 })
  await stop()
})

it('holds no more than maxCandidates, and takes no more than maxCandidatesPerRun at a time', async () => {
  const strategy = {
    name: 'endless',
    async *discover(): AsyncGenerator<ReturnType<typeof candidateOf>> {
      for (;;) for (const one of offer(0, 119)) yield one
    },
  }
  const init = { strategies: [strategy], maxCandidates: 20, maxCandidatesPerRun: 50 }
  const { service, stop } = await run(init)
  await vi.advanceTimersByTimeAsync(1)
  const { candidates, strategies } = service.stats()
  expect(candidates).toBe(20)
  expect(strategies['endless']).toMatchObject({ runs: 1, candidates: 50 })
  await stop()
})

it('finds candidates now when asked to, past breakers, and joins what is under way', async () => {
  const failing = {
    name: 'failing',
    discover: () => {
      throw new TypeError('thrown by a test')
    },
  }
  const strategy = new ListStrategy('list', [])
  const { service, stop } = await run({ strategies: [failing, strategy] })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(service.stats().strategies['failing']?.breaker).toBe('open')
  const runs = service.stats().strategies['failing']?.runs ?? 0
  strategy.offers = offer(0, 7)
  const both = Promise.all([service.discoverNow(), service.discoverNow()])
  await vi.advanceTimersByTimeAsync(0)
  expect(await both).toEqual([7, 7])
  expect(service.stats().strategies['failing']?.runs).toBe(runs + 1)
  await stop()
})

it('rejects discoverNow when aborted, and while the node is not running', async () => {
  const hanging = { name: 'hanging', discover: () => hang() }
  const { service, stop } = await run({ strategies: [hanging] })
  const controller = new AbortController()
  const asked = service.discoverNow({ signal: controller.signal })
  controller.abort(new RangeError('no longer'))
  await expect(asked).rejects.toThrow('no longer')
  await expect(service.discoverNow({ signal: controller.signal })).rejects.toThrow('no longer')
  const ended = Promise.allSettled([service.discoverNow()])
  await stop()
  expect(await ended).toMatchObject([{ status: 'rejected', reason: { name: 'AbortError' } }])
  await expect(service.discoverNow()).rejects.toMatchObject({ name: 'NotStartedError' })
})

async function* hang(): AsyncGenerator<never> {
  await new Promise(() => {})
  yield* []
}

it('leaves no timer or listener after stop, ends dials and runs, and works again after a new start', async () => {
  const strategy = new ListStrategy('list', offer(0, 20))
  const manager = new FakePeerManager()
  const init = { strategies: [strategy, { name: 'hanging', discover: () => hang() }] }
  const { world, service, stop } = await run(init, { peerManager: manager })
  world.onDial = async () => new Promise(() => {})
  await vi.advanceTimersByTimeAsync(500)
  expect(service.stats().dialing).toBe(8)
  await stop()
  await stop()
  expect(service.stats().dialing).toBe(0)
  expect(service.stats().dials).toMatchObject({ neutral: 8, failed: 0 })
  expect(world.events.listenerCount('connection:open') + world.events.listenerCount('peer:disconnect')).toBe(0)
  expect(manager.listenerCount('peer:state')).toBe(0)

  world.onDial = undefined
  reachable(world, peers)
  await service.start()
  service.afterStart()
  service.afterStart()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(service.stats().ready).toBeGreaterThan(0)
  await stop()
})

it.each<[string, DiscoveryInit]>([
  ['minPeers -1', { minPeers: -1 }],
  ['targetPeers 3', { minPeers: 4, targetPeers: 3 }],
  ['intervalMs 0', { intervalMs: 0 }],
  ['maxIntervalMs 500', { maxIntervalMs: 500 }],
  ['backoffMaxMs 10', { backoffMaxMs: 10 }],
  ['maxOvershoot 0.5', { maxOvershoot: 0.5 }],
  ['maxCandidates NaN', { maxCandidates: Number.NaN }],
  ['dialConcurrency 1.5', { dialConcurrency: 1.5 }],
  ['two of the name list', { strategies: [new ListStrategy('list', []), new ListStrategy('list', [])] }],
])('refuses %s', (message, init) => {
  expect(() => makeDiscovery(self, init)).toThrow(RangeError)
  expect(() => makeDiscovery(self, init)).toThrow(message)
})

it('takes a minimum above the default target as the target', () => {
  expect(() => makeDiscovery(self, { minPeers: 50 })).not.toThrow()
})

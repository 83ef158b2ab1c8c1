import { optional, type PeerManager } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { HealthMonitorInit } from '../src/index.ts'
import {
  at,
  type Bench,
  FakePeerManager,
  makeHello,
  makeMonitor,
  makePeerIds,
  startMonitor,
  stopMonitor,
} from './support.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS

let ids: PeerId[]
let self: PeerId
let peer: PeerId
let bench: Bench

beforeAll(async () => {
  ids = await makePeerIds(60)
  self = at(ids, 0)
  peer = at(ids, 1)
})
beforeEach(() => {
  vi.useFakeTimers()
  // The second ping of a new peer comes at random; here a whole interval after the first.
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(async () => {
  await stopMonitor(bench)
  vi.restoreAllMocks()
  vi.useRealTimers()
})

function start(init?: HealthMonitorInit, siblings?: Parameters<typeof makeMonitor>[2]): Bench {
  bench = makeMonitor(self, init, siblings)
  startMonitor(bench)
  return bench
}

function broken(): never {
  throw new RangeError('broken')
}

it('holds no more than maxPeers, and forgets those gone the longest', async () => {
  const { libp2p, monitor } = start({ maxPeers: 10 })
  const strangers = ids.slice(1, 51)
  for (const stranger of strangers) {
    libp2p.connect(stranger)
    await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
    libp2p.disconnect(stranger)
    await vi.advanceTimersByTimeAsync(SECOND_MS)
  }
  const held = strangers.filter((stranger) => monitor.get(stranger) !== undefined)
  expect(held).toEqual(strangers.slice(-10))
})

it('measures maxPeers linked peers and no other, and forgets none of them for a newcomer', async () => {
  const { libp2p, ping, monitor } = start({ maxPeers: 5 })
  libp2p.connect(...ids.slice(1, 6))
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  libp2p.connect(...ids.slice(6, 30))
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
  expect(monitor.snapshot()).toHaveLength(5)
  expect(new Set(ping.asked.map(({ key }) => key))).toEqual(new Set(ids.slice(1, 6).map(String)))
  libp2p.disconnect(peer)
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  expect(monitor.score(at(ids, 6))).toBeDefined()
})

it('remembers nothing of strangers who pass by without a ping', async () => {
  const { libp2p, monitor } = start({ maxPeers: 3 })
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  libp2p.disconnect(peer)
  bench.ping.set(at(ids, 2), 'silent')
  for (const stranger of ids.slice(2)) {
    bench.ping.set(stranger, 'silent')
    libp2p.connect(stranger)
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    libp2p.disconnect(stranger)
    await vi.advanceTimersByTimeAsync(SECOND_MS)
  }
  expect(monitor.score(peer)).toBe(55)
})

it('pings honest peers in turn while forty others hold their pings open to the deadline', async () => {
  const { libp2p, ping } = start()
  const honest = ids.slice(41, 51)
  for (const id of ids.slice(1, 41)) ping.set(id, 'silent')
  libp2p.connect(...ids.slice(1, 51))
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
  for (const id of honest) expect(ping.of(id).length).toBeGreaterThanOrEqual(3)
  expect(ping.mostUnderWay).toBe(16)
})

it('does not wait for a ping service that heeds no signal', async () => {
  const { libp2p, components, monitor } = start()
  vi.spyOn(components.ping, 'ping').mockReturnValue(new Promise(() => {}))
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(11 * SECOND_MS)
  expect(monitor.score(peer)).toBe(40)
  await stopMonitor(bench)
  expect(vi.getTimerCount()).toBe(0)
})

it.each([Number.NaN, -5_000, 3_600_000])('trusts no round trip of %d ms beyond the time that passed', async (told) => {
  const { libp2p, components, monitor } = start()
  vi.spyOn(components.ping, 'ping').mockImplementation(async () => {
    await new Promise((resolve) => setTimeout(resolve, 40))
    return told
  })
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  expect(monitor.get(peer)?.latency?.lastMs).toBe(40)
})

it('tells no more than maxRegions regions, the most populous, whatever peers call theirs', () => {
  const managers: FakePeerManager[] = []
  const { monitor } = start({ maxRegions: 3 }, (libp2p) => {
    managers.push(new FakePeerManager(libp2p))
    return { peerManager: at(managers, 0) }
  })
  for (const [index, id] of ids.slice(1, 41).entries()) {
    const region = index < 5 ? '__proto__' : index < 9 ? 'x"\n99 peers' : `flood-${index}`
    at(managers, 0).put(id, 'ready', makeHello({ region }))
  }
  const { regionConnectivity, reasons } = monitor.network()
  expect(Object.keys(regionConnectivity)).toEqual(['__proto__', 'flood-10', 'x"\n99 peers'])
  expect(Object.entries(regionConnectivity)[0]).toEqual(['__proto__', 1])
  expect(reasons.join('')).not.toContain('\n')
  expect(reasons).toContain('in region "x\\"\\n99 peers" 4 of 4 known peers ready')
})

it('is told of no partition by one stranger that comes with fifty ids and vanishes each time', async () => {
  const managers: FakePeerManager[] = []
  const { monitor } = start(undefined, (libp2p) => {
    managers.push(new FakePeerManager(libp2p))
    return { peerManager: at(managers, 0) }
  })
  const manager = at(managers, 0)
  for (const id of ids.slice(1, 5)) manager.put(id, 'ready')
  for (const stranger of ids.slice(5, 55)) {
    manager.put(stranger, 'ready')
    await vi.advanceTimersByTimeAsync(10 * SECOND_MS)
    manager.put(stranger, 'known')
    await vi.advanceTimersByTimeAsync(SECOND_MS)
  }
  expect(monitor.network().reasons.join('\n')).toContain('1 of 5 expected peers cannot be reached')
})

it.each([
  ['injected functions', { queueDepth: broken, successRate: broken, viewOverlap: broken }],
  ['none of them', {}],
])('lives on where siblings throw, and %s', async (_, init) => {
  const managers: FakePeerManager[] = []
  const { monitor, ping } = start(init, (libp2p) => {
    managers.push(new FakePeerManager(libp2p))
    const [messages, unicast] = [{ queueDepth: broken }, { outcomes: broken }]
    return { peerManager: at(managers, 0), messages, unicast }
  })
  const manager = at(managers, 0)
  const updateHealth = vi.spyOn(manager, 'updateHealth').mockImplementation(broken)
  manager.put(peer, 'ready')
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(updateHealth.mock.calls.length).toBeGreaterThan(1)
  const asked = ping.of(peer).length
  const select = vi.spyOn(manager, 'select').mockImplementation(broken)
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  select.mockRestore()
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(ping.of(peer).length).toBeGreaterThan(asked)
  expect(monitor.network()).toMatchObject({ messageSuccessRate: undefined })
  expect(monitor.load).toBe('normal')
})

it('measures nobody, and blames nobody, where the ping service is missing', async () => {
  const { libp2p, components, monitor } = start()
  Object.defineProperty(components, 'ping', {
    get: () => {
      throw Object.assign(new Error('ping is not there'), { name: 'MissingServiceError' })
    },
  })
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(20 * MINUTE_MS)
  expect(monitor.score(peer)).toBeUndefined()
  expect(libp2p.closed).toEqual([])
})

it('does without a peer manager that comes to be missing', async () => {
  const components: { peerManager?: PeerManager } = {}
  Object.defineProperty(components, 'peerManager', {
    enumerable: true,
    get: () => {
      throw Object.assign(new Error('not there'), { name: 'MissingServiceError' })
    },
  })
  expect(optional(components, 'peerManager')).toBeUndefined()
  bench = makeMonitor(self)
  Object.defineProperty(
    bench.components,
    'peerManager',
    Object.getOwnPropertyDescriptor(components, 'peerManager') ?? {},
  )
  startMonitor(bench)
  bench.libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  expect(bench.monitor.score(peer)).toBe(55)
})

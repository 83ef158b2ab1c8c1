import { type PeerId, ProtocolError, UnsupportedProtocolError } from '@libp2p/interface'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { HealthMonitorInit } from '../src/index.ts'
import { at, type Bench, FakePeerManager, makeMonitor, makePeerIds, startMonitor, stopMonitor } from './support.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS

let ids: PeerId[]
let self: PeerId
let peer: PeerId
let other: PeerId
let bench: Bench

beforeAll(async () => {
  ids = await makePeerIds(200)
  self = at(ids, 0)
  peer = at(ids, 1)
  other = at(ids, 2)
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

function startManaged(init?: HealthMonitorInit): { bench: Bench; manager: FakePeerManager } {
  let manager: FakePeerManager | undefined
  start(init, (libp2p) => {
    manager = new FakePeerManager(libp2p)
    return { peerManager: manager }
  })
  if (manager === undefined) throw new RangeError('no manager was made')
  return { bench, manager }
}

/** Lets seconds pass until something holds, and an hour at most. */
async function advanceUntil(holds: () => boolean): Promise<void> {
  for (let seconds = 0; seconds < 3_600 && !holds(); seconds += 1) await vi.advanceTimersByTimeAsync(SECOND_MS)
  expect(holds()).toBe(true)
}

function tooManyStreams(): Error {
  return Object.assign(new Error(), { name: 'TooManyOutboundProtocolStreamsError' })
}

it('pings a new peer within a second, and then every 30 s', async () => {
  const { libp2p, ping } = start()
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(SECOND_MS)
  expect(ping.of(peer)).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS)
  const gaps = ping.of(peer).map((time, index, all) => time - (all[index - 1] ?? time))
  expect(Math.max(...gaps)).toBeLessThanOrEqual(31 * SECOND_MS)
  expect(Math.min(...gaps.slice(2))).toBeGreaterThanOrEqual(27 * SECOND_MS)
})

it('measures the latency of an answer, raises the score by 5, and tells the peer manager', async () => {
  const { bench: made, manager } = startManaged()
  made.ping.set(peer, 80)
  manager.put(peer, 'ready')
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  expect(made.monitor.get(peer)).toMatchObject({
    score: 55,
    isHealthy: true,
    isLinked: true,
    latency: { lastMs: 80, smoothedMs: 80, jitterMs: 40, p50Ms: 80, p95Ms: 80, p99Ms: 80 },
    availability: 1,
    pings: 1,
    failuresInRow: 0,
  })
  expect(manager.health.get(peer.toString())).toEqual({ score: 55, latencyMs: 80 })
})

it('tells the peer manager no latency of a ping that was not answered', async () => {
  const { bench: made, manager } = startManaged()
  made.ping.set(peer, 80)
  manager.put(peer, 'ready')
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  made.ping.set(peer, 'silent')
  await vi.advanceTimersByTimeAsync(60 * SECOND_MS)
  expect(made.monitor.get(peer)?.latency?.lastMs).toBe(80)
  expect(manager.health.get(peer.toString())).toEqual({ score: made.monitor.score(peer) })
})

it('counts a ping as unanswered after 10 s and not a moment sooner', async () => {
  // The second ping comes a whole interval after the first.
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const { libp2p, ping, monitor } = start()
  ping.set(peer, 'silent')
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(SECOND_MS + 9_999)
  expect(monitor.score(peer)).toBeUndefined()
  await vi.advanceTimersByTimeAsync(1)
  expect(monitor.get(peer)).toMatchObject({ score: 40, availability: 0, failuresInRow: 1, latency: undefined })
  expect(monitor.history(peer)).toMatchObject([{ latencyMs: undefined, failure: 'TimeoutError', score: 40 }])
  expect(ping.underWay).toBe(0)
})

it('finds a silent peer unhealthy after three pings and healthy again at 50, and reports it as slow meanwhile', async () => {
  const { bench: made, manager } = startManaged()
  const news: string[] = []
  made.monitor.addEventListener('peer:unhealthy', ({ detail }) => news.push(`unhealthy at ${detail.score}`))
  made.monitor.addEventListener('peer:healthy', ({ detail }) => news.push(`healthy at ${detail.score}`))
  made.ping.set(peer, 'silent')
  manager.put(peer, 'ready')
  await advanceUntil(() => made.monitor.history(peer).length === 2)
  expect(news).toEqual([])
  expect(manager.reports).toEqual([])
  await advanceUntil(() => made.monitor.history(peer).length === 4)
  expect(news).toEqual(['unhealthy at 20'])
  expect(manager.reports).toEqual([
    { key: peer.toString(), class: 'slow', evidence: 'health 20: a ping was not answered' },
    { key: peer.toString(), class: 'slow', evidence: 'health 10: a ping was not answered' },
  ])
  expect(manager.health.get(peer.toString())).toEqual({ score: 10 })
  made.ping.set(peer, 5)
  await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
  expect(news).toEqual(['unhealthy at 20', 'healthy at 50'])
})

it('keeps peers apart: what one does changes nothing for another', async () => {
  const { libp2p, ping, monitor } = start()
  const peers = ids.slice(1, 101)
  for (const [index, id] of peers.entries()) {
    if (index % 3 === 0) ping.set(id, 'silent')
    else if (index % 3 === 1) ping.set(id, new RangeError('broken'))
    else ping.set(id, index)
  }
  libp2p.connect(...peers)
  await vi.advanceTimersByTimeAsync(4 * MINUTE_MS)
  for (const [index, id] of peers.entries()) {
    const answers = index % 3 === 2
    expect(monitor.get(id)).toMatchObject({ isHealthy: answers, availability: answers ? 1 : 0 })
    expect(monitor.get(id)?.latency?.smoothedMs).toBe(answers ? index : undefined)
  }
})

it('pings 199 peers within the interval, at most 16 at once, the rest in turn', async () => {
  const { libp2p, ping } = start({ sampleIntervalMs: 100 })
  for (const id of ids.slice(1)) ping.set(id, 200)
  libp2p.connect(...ids.slice(1))
  await vi.advanceTimersByTimeAsync(30 * SECOND_MS)
  expect(new Set(ping.asked.map(({ key }) => key)).size).toBe(199)
  expect(ping.mostUnderWay).toBe(16)
  await vi.advanceTimersByTimeAsync(30 * SECOND_MS)
  const counts = ids.slice(1).map((id) => ping.of(id).length)
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(2)
})

it('spreads the pings of peers that came together over the interval', async () => {
  vi.mocked(Math.random).mockRestore()
  const { libp2p, ping } = start()
  libp2p.connect(...ids.slice(1, 101))
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
  const thirds = [0, 0, 0]
  const fromMs = performance.now() - 30 * SECOND_MS
  for (const { atMs } of ping.asked) {
    const third = Math.floor((atMs - fromMs) / (10 * SECOND_MS))
    if (third in thirds) thirds[third] = at(thirds, third) + 1
  }
  expect(Math.min(...thirds)).toBeGreaterThan(10)
})

it('closes a link on which nothing came for 300 s, with a goodbye that names the limit, and says so', async () => {
  const { bench: made, manager } = startManaged()
  const closed: string[] = []
  made.monitor.addEventListener('peer:closed', ({ detail }) => closed.push(detail.peer.toString()))
  manager.put(peer, 'ready')
  manager.put(other, 'ready')
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  made.ping.set(peer, 'silent')
  await vi.advanceTimersByTimeAsync(299 * SECOND_MS)
  expect(manager.disconnects).toEqual([])
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(manager.disconnects).toEqual([
    {
      key: peer.toString(),
      reason: {
        code: 'unseen',
        message: expect.stringContaining('nothing came for'),
        limit: 'maxUnseenMs',
        value: 300_000,
      },
    },
  ])
  expect(closed).toEqual([peer.toString()])
  expect(made.monitor.get(peer)).toMatchObject({ isLinked: false, score: 0 })
  expect(made.monitor.snapshot().map((health) => health.peer)).toEqual([other])
})

it('closes by libp2p where there is no peer manager', async () => {
  const { libp2p, ping } = start()
  ping.set(peer, 'silent')
  libp2p.connect(peer, other)
  await vi.advanceTimersByTimeAsync(6 * MINUTE_MS)
  expect(libp2p.closed).toEqual([peer.toString()])
})

it('closes no link on which messages come, though no ping is answered', async () => {
  const { bench: made, manager } = startManaged()
  made.ping.set(peer, 'silent')
  manager.put(peer, 'ready')
  for (let messages = 1; messages <= 15; messages += 1) {
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    manager.put(peer, 'ready', undefined, messages)
  }
  expect(manager.disconnects).toEqual([])
  expect(made.monitor.get(peer)).toMatchObject({ score: 0, isHealthy: false })
  await vi.advanceTimersByTimeAsync(7 * MINUTE_MS)
  expect(manager.disconnects).toHaveLength(1)
})

it('asks before it closes: a machine that slept for an hour loses no peer that answers', async () => {
  const { libp2p, ping, monitor } = start()
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 60 * MINUTE_MS)
  ping.set(peer, 9_000)
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
  expect(libp2p.closed).toEqual([])
  expect(monitor.get(peer)?.isHealthy).toBe(true)
})

it('cuts a link whose close hangs, and says that it is closed', async () => {
  const { libp2p, ping, monitor } = start()
  const closed: string[] = []
  monitor.addEventListener('peer:closed', ({ detail }) => closed.push(detail.reason.code))
  libp2p.isStuck = true
  ping.set(peer, 'silent')
  libp2p.connect(peer)
  await advanceUntil(() => libp2p.closed.length === 1)
  await vi.advanceTimersByTimeAsync(3 * SECOND_MS)
  expect([...libp2p.linked.keys()]).toEqual([peer.toString()])
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  expect([...libp2p.linked.keys()]).toEqual([])
  expect(closed).toEqual(['unseen'])
})

it('counts a peer as lost whose goodbye fails, and cuts its link', async () => {
  const { bench: made, manager } = startManaged()
  const closed = vi.fn<() => void>()
  made.monitor.addEventListener('peer:closed', closed)
  vi.spyOn(manager, 'disconnect').mockRejectedValue(new RangeError('broken'))
  made.ping.set(peer, 'silent')
  for (const id of [peer, other]) manager.put(id, 'ready')
  await advanceUntil(() => closed.mock.calls.length === 1)
  manager.put(peer, 'draining')
  manager.put(peer, 'known')
  expect([...made.libp2p.linked.keys()]).toEqual([other.toString()])
  expect(made.monitor.network().partitionRisk).toBeCloseTo(0.5, 9)
})

it('cuts no link that came while the old one was being closed', async () => {
  const { libp2p, ping } = start()
  libp2p.isStuck = true
  ping.set(peer, 'silent')
  libp2p.connect(peer)
  await advanceUntil(() => libp2p.closed.length === 1)
  const cut = vi.fn<() => void>()
  const getConnections = libp2p.connectionManager.getConnections
  libp2p.connectionManager.getConnections = (id) =>
    getConnections(id).map((link) => Object.assign(link, { abort: cut }))
  await vi.advanceTimersByTimeAsync(6 * SECOND_MS)
  expect(cut).not.toHaveBeenCalled()
})

it('asks nothing of a peer while it closes the link', async () => {
  const { libp2p, ping } = start({ closeTimeoutMs: 2 * MINUTE_MS })
  libp2p.isStuck = true
  ping.set(peer, 'silent')
  libp2p.connect(peer)
  await advanceUntil(() => libp2p.closed.length === 1)
  const asked = ping.of(peer).length
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
  expect(ping.of(peer)).toHaveLength(asked)
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(ping.of(peer).length).toBeGreaterThan(asked)
})

it('holds nothing against a peer where all streams of libp2p are taken', async () => {
  const { bench: made, manager } = startManaged()
  made.ping.set(peer, tooManyStreams())
  manager.put(peer, 'ready')
  await vi.advanceTimersByTimeAsync(20 * MINUTE_MS)
  expect(made.ping.of(peer).length).toBeGreaterThan(30)
  expect(made.monitor.score(peer)).toBeUndefined()
  expect(made.monitor.history(peer)).toEqual([])
  expect([...manager.reports, ...manager.disconnects]).toEqual([])
})

it('keeps a peer that speaks no ping: it is alive', async () => {
  const { libp2p, ping, monitor } = start()
  ping.set(peer, new UnsupportedProtocolError())
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(20 * MINUTE_MS)
  expect(libp2p.closed).toEqual([])
  expect(monitor.score(peer)).toBeUndefined()
})

it('reports other bytes than were sent as a violation', async () => {
  const { bench: made, manager } = startManaged()
  made.ping.set(peer, new ProtocolError('wrong'))
  manager.put(peer, 'ready')
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  expect(manager.reports).toMatchObject([{ key: peer.toString(), class: 'protocol-violation' }])
  expect(made.monitor.score(peer)).toBe(40)
})

it('takes a smaller part of a failure at the deadline while our own loop lags, and all of another failure', async () => {
  const { libp2p, ping, loop, monitor } = start()
  loop.meanMs = 101
  ping.set(peer, 'silent')
  ping.set(other, new RangeError('reset'))
  libp2p.connect(peer, other)
  await vi.advanceTimersByTimeAsync(11 * SECOND_MS)
  expect(monitor.lagFactor).toBeCloseTo(5, 9)
  expect(monitor.score(peer)).toBeCloseTo(48, 9)
  expect(monitor.history(other)[0]?.score).toBe(40)
})

it('measures ready peers only where there is a peer manager, and all connected ones where there is none', async () => {
  const { bench: made, manager } = startManaged()
  manager.put(peer, 'ready')
  made.libp2p.connect(other)
  manager.put(other, 'connected')
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(made.monitor.score(peer)).toBeGreaterThan(50)
  expect(made.monitor.score(other)).toBeUndefined()
  await stopMonitor(bench)

  const { libp2p, monitor } = start()
  libp2p.connect(peer, other)
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect([monitor.score(peer), monitor.score(other)]).toEqual([expect.any(Number), expect.any(Number)])
})

it('never dials: a peer without a connection is not asked', async () => {
  const { bench: made, manager } = startManaged()
  manager.put(peer, 'ready')
  made.libp2p.linked.clear()
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(made.ping.asked).toEqual([])
})

it('never dials: a peer with no connection but limited ones is not asked, and is kept', async () => {
  const { libp2p, ping, monitor } = start()
  libp2p.limited.add(peer.toString())
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(20 * MINUTE_MS)
  expect(ping.asked).toEqual([])
  expect([libp2p.closed, monitor.score(peer)]).toEqual([[], undefined])
  libp2p.limited.clear()
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(monitor.score(peer)).toBeGreaterThan(50)
})

it('remembers the score of a peer that went and came back', async () => {
  const { libp2p, ping, monitor } = start()
  ping.set(peer, new RangeError('broken'))
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(SECOND_MS)
  libp2p.disconnect(peer)
  await vi.advanceTimersByTimeAsync(SECOND_MS)
  expect(monitor.get(peer)).toMatchObject({ score: 40, isLinked: false })
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(SECOND_MS)
  expect(monitor.get(peer)).toMatchObject({ score: 30, isLinked: true })
})

it('holds a hang-up under the ping against nobody', async () => {
  const { libp2p, ping, monitor } = start()
  ping.set(peer, 'silent')
  libp2p.connect(peer)
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
  libp2p.disconnect(peer)
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(monitor.score(peer)).toBeUndefined()
})

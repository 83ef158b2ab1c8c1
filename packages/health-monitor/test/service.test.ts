import type { CounterGroup, Histogram, Metric, PeerId } from '@libp2p/interface'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { healthMonitor, type HealthMonitorComponents, type HealthMonitorInit } from '../src/index.ts'
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
let near: PeerId
let far: PeerId
let silent: PeerId
let bench: Bench

beforeAll(async () => {
  ids = await makePeerIds(20)
  self = at(ids, 0)
  near = at(ids, 1)
  far = at(ids, 2)
  silent = at(ids, 3)
})
beforeEach(() => {
  vi.useFakeTimers()
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
  const managers: FakePeerManager[] = []
  start(init, (libp2p) => {
    managers.push(new FakePeerManager(libp2p))
    return { peerManager: at(managers, 0) }
  })
  return { bench, manager: at(managers, 0) }
}

/** Three peers with one ping each: near in 10 ms, far in 90 ms, and one that fails. */
async function measureThree({ libp2p, ping }: Bench): Promise<void> {
  ping.set(near, 10)
  ping.set(far, 90)
  ping.set(silent, new RangeError('broken'))
  libp2p.connect(silent, far, near)
  vi.spyOn(Math, 'random').mockReturnValue(0)
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
}

describe('snapshot and averages', () => {
  it('sorts by score, and by latency where that is equal', async () => {
    await measureThree(start())
    expect(bench.monitor.snapshot().map(({ peer, score }) => [peer, score])).toEqual([
      [near, 55],
      [far, 55],
      [silent, 40],
    ])
  })

  it('averages over the linked peers that were measured', async () => {
    await measureThree(start())
    expect(bench.monitor.averages()).toEqual({ peers: 3, score: 50, latencyMs: 50, availability: 2 / 3 })
    bench.libp2p.disconnect(far)
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    expect(bench.monitor.averages()).toEqual({ peers: 2, score: 47.5, latencyMs: 10, availability: 0.5 })
  })

  it('has no averages of nothing', () => {
    const nothing = { peers: 0, score: undefined, latencyMs: undefined, availability: undefined }
    expect(start().monitor.averages()).toEqual(nothing)
    expect(bench.monitor.snapshot()).toEqual([])
  })

  it('stays sorted whatever the peers do', async () => {
    const { libp2p, ping, monitor } = start()
    for (const [index, id] of ids.slice(1).entries()) ping.set(id, index % 4 === 0 ? new RangeError('broken') : index)
    libp2p.connect(...ids.slice(1))
    for (let rounds = 0; rounds < 10; rounds += 1) {
      await vi.advanceTimersByTimeAsync(20 * SECOND_MS)
      const scores = monitor.snapshot().map(({ score }) => score)
      expect(scores).toHaveLength(19)
      expect(scores).toEqual(scores.toSorted((a, b) => b - a))
      expect(monitor.averages().score).toBeCloseTo(scores.reduce((sum, score) => sum + score, 0) / 19, 9)
    }
  })
})

describe('history', () => {
  it('tells the latest pings, oldest first, as many as historySize', async () => {
    // Without jitter each ping comes 30 s after the one before.
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { libp2p, ping, monitor } = start({ historySize: 2 })
    libp2p.connect(near)
    for (const latencyMs of [10, 20, 30]) {
      ping.set(near, latencyMs)
      await vi.advanceTimersByTimeAsync(30 * SECOND_MS)
    }
    expect(monitor.get(near)?.pings).toBe(3)
    expect(monitor.history(near)).toEqual([
      { latencyMs: 20, failure: undefined, score: 60, atMs: expect.any(Number) },
      { latencyMs: 30, failure: undefined, score: 65, atMs: expect.any(Number) },
    ])
  })

  it('knows nothing of a peer that was never measured', () => {
    const { monitor } = start()
    expect([monitor.score(near), monitor.get(near)]).toEqual([undefined, undefined])
    expect(monitor.history(near)).toEqual([])
  })
})

describe('reset', () => {
  it('forgets one peer, and measures it anew where it is linked', async () => {
    await measureThree(start())
    const { monitor } = bench
    expect(monitor.reset(silent)).toBe(true)
    expect([monitor.get(silent), monitor.history(silent)]).toEqual([undefined, []])
    expect(monitor.score(near)).toBe(55)
    bench.ping.set(silent, 5)
    await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
    expect(monitor.get(silent)).toMatchObject({ score: 55, pings: 1 })
  })

  it('says that there was nothing of a stranger', () => {
    expect(start().monitor.reset(near)).toBe(false)
  })

  it('takes nothing from a ping that was under way, and asks again after that', async () => {
    const { libp2p, ping, monitor } = start()
    ping.set(near, 'silent')
    libp2p.connect(near)
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    monitor.reset(near)
    ping.set(near, 7)
    await vi.advanceTimersByTimeAsync(9 * SECOND_MS)
    expect(ping.of(near)).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
    expect(monitor.get(near)).toMatchObject({ score: 55, pings: 1, failuresInRow: 0 })
  })
})

describe('load', () => {
  it('follows the event loop and the queue, and tells each change', async () => {
    let waiting = 0
    const { monitor, loop } = start({ queueDepth: () => waiting })
    const changes: string[] = []
    monitor.addEventListener('health:load', ({ detail }) => changes.push(`${detail.from} → ${detail.to}`))
    waiting = 2_000
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    expect(monitor.load).toBe('busy')
    loop.meanMs = 200
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    expect(monitor.load).toBe('overloaded')
    expect(monitor.lagFactor).toBeCloseTo(9.95, 9)
    loop.meanMs = 20
    waiting = 0
    await vi.advanceTimersByTimeAsync(10 * SECOND_MS)
    expect([monitor.load, monitor.lagFactor]).toEqual(['normal', expect.closeTo(1, 1)])
    expect(changes).toEqual(['normal → busy', 'busy → overloaded', 'overloaded → normal'])
  })

  it('counts what waits in the message router, unless it is told otherwise', async () => {
    const messages = { queueDepth: () => 2_000 }
    expect(start(undefined, () => ({ messages })).monitor.load).toBe('normal')
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    expect(bench.monitor.load).toBe('busy')
    await stopMonitor(bench)
    start({ queueDepth: () => 0 }, () => ({ messages }))
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    expect(bench.monitor.load).toBe('normal')
  })

  it('is normal again after stop, and says so to those who shed', async () => {
    const { monitor } = start({ queueDepth: () => 9_000 })
    const changes: string[] = []
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    monitor.addEventListener('health:load', ({ detail }) => changes.push(`${detail.from} → ${detail.to}`))
    await stopMonitor(bench)
    expect([monitor.load, changes]).toEqual(['normal', ['overloaded → normal']])
  })
})

describe('network', () => {
  it('reads authorities, regions, latency, success and overlap', async () => {
    const unseen = at(ids, 9)
    const { bench: made, manager } = startManaged({
      authorities: [self, far, unseen],
      successRate: () => 0.5,
      viewOverlap: () => 1.2,
    })
    made.ping.set(near, 10)
    made.ping.set(far, 30)
    manager.put(near, 'ready', makeHello({ role: 'authority', region: 'north' }))
    manager.put(far, 'ready', makeHello({ region: 'south' }))
    manager.put(silent, 'known', makeHello({ region: 'south' }))
    manager.put(at(ids, 4), 'banned', makeHello({ role: 'authority', region: 'north' }))
    await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
    expect(made.monitor.network()).toMatchObject({
      connectedPeers: 2,
      authorityConnectivity: 2 / 3,
      regionConnectivity: { north: 1, south: 0.5 },
      averageLatencyMs: 20,
      messageSuccessRate: 0.5,
      churnPerMinute: 2,
      partitionRisk: expect.closeTo(1 / 3, 9),
    })
  })

  it('tells the share of calls that were answered in the last five minutes', async () => {
    const outcomes = { answered: 1_000, failed: 1_000 }
    const { monitor } = start(undefined, () => ({ unicast: { outcomes: () => ({ ...outcomes }) } }))
    const rate = (): number | undefined => monitor.network().messageSuccessRate
    // What ended before the monitor looked is nobody's last five minutes.
    expect(rate()).toBeUndefined()
    outcomes.answered += 3
    outcomes.failed += 1
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    expect(rate()).toBe(0.75)
    await vi.advanceTimersByTimeAsync(4 * MINUTE_MS)
    outcomes.failed += 1
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    expect(rate()).toBe(0.6)
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    expect(rate()).toBe(0)
    await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
    expect(rate()).toBeUndefined()
  })

  it('tells the success rate where unicast gives the object in which it counts', async () => {
    const outcomes = { answered: 0, failed: 0 }
    const { monitor } = start(undefined, () => ({ unicast: { outcomes: () => outcomes } }))
    outcomes.answered += 1
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    expect(monitor.network().messageSuccessRate).toBe(1)
  })

  it('expects a peer back that went without a goodbye, for an hour, and nobody who took leave', async () => {
    const { bench: made, manager } = startManaged()
    for (const id of [near, far, silent]) manager.put(id, 'ready')
    expect(made.monitor.network().partitionRisk).toBe(0)
    manager.put(far, 'draining')
    manager.put(far, 'known')
    expect(made.monitor.network().partitionRisk).toBe(0)
    manager.put(silent, 'known')
    expect(made.monitor.network().partitionRisk).toBeCloseTo(0.5, 9)
    manager.put(silent, 'ready')
    expect(made.monitor.network().partitionRisk).toBe(0)
    manager.put(silent, 'known')
    await vi.advanceTimersByTimeAsync(61 * MINUTE_MS)
    expect(made.monitor.network().partitionRisk).toBe(0)
  })

  it('expects who was ready for long back though others came in its place, as long as it was ready', async () => {
    const { bench: made, manager } = startManaged()
    for (const id of [near, far]) manager.put(id, 'ready')
    await vi.advanceTimersByTimeAsync(20 * MINUTE_MS)
    manager.put(far, 'known')
    manager.put(silent, 'ready')
    expect(made.monitor.network().partitionRisk).toBeCloseTo(1 / 3, 9)
    await vi.advanceTimersByTimeAsync(15 * MINUTE_MS)
    // Back for a moment: what is left of its time is not lost by that.
    manager.put(far, 'ready')
    manager.put(far, 'known')
    manager.put(at(ids, 4), 'ready')
    await vi.advanceTimersByTimeAsync(4 * MINUTE_MS)
    expect(made.monitor.network().partitionRisk).toBeCloseTo(1 / 4, 9)
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    expect(made.monitor.network().partitionRisk).toBe(0)
  })

  it('expects nobody back who is banned', () => {
    const { bench: made, manager } = startManaged()
    for (const id of [near, far]) manager.put(id, 'ready')
    manager.put(far, 'known')
    manager.put(far, 'banned')
    expect(made.monitor.network().partitionRisk).toBe(0)
  })

  it('counts a peer as lost whose link it closed itself, goodbye or not', async () => {
    const { bench: made, manager } = startManaged()
    made.ping.set(silent, 'silent')
    for (const id of [near, silent]) manager.put(id, 'ready')
    await vi.advanceTimersByTimeAsync(6 * MINUTE_MS)
    expect(manager.disconnects).toHaveLength(1)
    expect(made.monitor.network().partitionRisk).toBeCloseTo(0.5, 9)
  })

  it('finds a ready peer that answers no ping unreachable', async () => {
    const { bench: made, manager } = startManaged()
    made.ping.set(silent, new RangeError('broken'))
    for (const id of [near, silent]) manager.put(id, 'ready')
    await vi.advanceTimersByTimeAsync(3 * MINUTE_MS)
    expect(made.monitor.network().partitionRisk).toBeCloseTo(0.5, 9)
  })

  it('goes by connections where there is no peer manager, and counts measured peers that leave as lost', async () => {
    const { libp2p, monitor } = start()
    libp2p.connect(near, far)
    await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
    expect(monitor.network()).toMatchObject({ connectedPeers: 2, authorityConnectivity: undefined, partitionRisk: 0 })
    libp2p.connect(silent)
    libp2p.disconnect(silent)
    libp2p.disconnect(far)
    expect(monitor.network()).toMatchObject({ connectedPeers: 1, churnPerMinute: 5, partitionRisk: 0.5 })
    libp2p.connect(far)
    expect(monitor.network().partitionRisk).toBe(0)
  })
})

describe('lifecycle', () => {
  it('starts and stops twice as once, and leaves no timer, no listener and no monitor', async () => {
    // The second ping of a new peer comes at random, and must not be under way as well.
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { bench: made, manager } = startManaged()
    const { monitor, libp2p, loop, ping } = made
    startMonitor(made)
    expect(vi.getTimerCount()).toBe(1)
    expect(loop.isEnabled).toBe(true)
    expect(manager.listenerCount('peer:state')).toBe(1)
    ping.set(near, 'silent')
    manager.put(near, 'ready')
    manager.put(far, 'ready')
    await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
    expect(ping.underWay).toBe(1)

    await stopMonitor(made)
    await stopMonitor(made)
    expect([vi.getTimerCount(), ping.underWay, loop.isEnabled]).toEqual([0, 0, false])
    expect(manager.listenerCount('peer:state')).toBe(0)
    expect(libp2p.events.listenerCount('peer:connect')).toBe(0)
    expect(libp2p.events.listenerCount('peer:disconnect')).toBe(0)
    expect(monitor.snapshot()).toEqual([])
    expect(monitor.score(near)).toBeUndefined()
    expect(monitor.score(far)).toBe(55)
  })

  it('asks nothing of its siblings once stop is over', async () => {
    const { monitor, libp2p, ping } = start()
    ping.set(near, 'silent')
    libp2p.connect(near)
    await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
    expect(ping.underWay).toBe(1)
    const getConnections = vi.spyOn(libp2p.connectionManager, 'getConnections')
    monitor.beforeStop()
    await monitor.stop()
    const asked = getConnections.mock.calls.length
    await vi.advanceTimersByTimeAsync(0)
    expect(getConnections).toHaveBeenCalledTimes(asked)
  })

  it('works again after stop and start, with the scores it had', async () => {
    await measureThree(start())
    await stopMonitor(bench)
    startMonitor(bench)
    await vi.advanceTimersByTimeAsync(2 * SECOND_MS)
    expect(bench.monitor.snapshot().map(({ score }) => score)).toEqual([60, 60, 30])
    expect(bench.loop.isEnabled).toBe(true)
  })

  it('does nothing before it is started', async () => {
    bench = makeMonitor(self)
    bench.monitor.afterStart()
    bench.libp2p.connect(near)
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(bench.ping.asked).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
    expect([bench.monitor.load, bench.monitor.lagFactor]).toEqual(['normal', 1])
  })

  it('gives up a close that is under way', async () => {
    const { libp2p, ping } = start({ closeTimeoutMs: 60 * MINUTE_MS })
    libp2p.isStuck = true
    ping.set(silent, 'silent')
    libp2p.connect(silent)
    await vi.advanceTimersByTimeAsync(6 * MINUTE_MS)
    expect(libp2p.closed).toHaveLength(1)
    await stopMonitor(bench)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('metrics', () => {
  it('counts pings by outcome, and shows round trips, closed links, load, lag, the unhealthy and the risk', async () => {
    const counts = new Map<string, number>()
    const roundTrips: number[] = []
    const gauges = new Map<string, () => unknown>()
    const add = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)
    const metrics = {
      registerCounter: (name: string) => ({ increment: () => add(name) }),
      registerCounterGroup: () => ({
        increment: (labels: Record<string, true>) => Object.keys(labels).forEach(add),
      }),
      registerHistogram: () => ({ observe: (value: number) => void roundTrips.push(value) }),
      registerMetric: (name: string, options: { calculate: () => unknown }) => void gauges.set(name, options.calculate),
    } as unknown as NonNullable<HealthMonitorComponents['metrics']> & {
      registerCounterGroup(): CounterGroup
      registerHistogram(): Histogram
      registerMetric(): Metric
    }
    const { libp2p, ping } = start({ queueDepth: () => 2_000 }, () => ({ metrics }))
    ping.set(near, 10)
    ping.set(silent, 'silent')
    libp2p.connect(near, silent)
    await vi.advanceTimersByTimeAsync(4 * MINUTE_MS)
    const read = (name: string): unknown => gauges.get(`gridmesh_health_monitor_${name}`)?.()
    expect(roundTrips.length).toBe(counts.get('answered'))
    expect(new Set(roundTrips)).toEqual(new Set([0.01]))
    expect([read('unhealthy_peers'), read('load_level'), read('lag_ratio')]).toEqual([1, 1, 1])
    expect(read('partition_risk_ratio')).toBeCloseTo(0.5, 9)
    await vi.advanceTimersByTimeAsync(3 * MINUTE_MS)
    expect(counts.get('gridmesh_health_monitor_closed_total')).toBe(1)
    expect(read('unhealthy_peers')).toBe(0)
  })
})

describe('options', () => {
  it.each([
    [{ pingIntervalMs: 0 }, 'pingIntervalMs 0'],
    [{ pingDeadlineMs: 2 ** 31 }, 'pingDeadlineMs 2147483648'],
    [{ closeTimeoutMs: Number.NaN }, 'closeTimeoutMs NaN'],
    [{ sampleIntervalMs: -1 }, 'sampleIntervalMs -1'],
    [{ maxParallelPings: 1.5 }, 'maxParallelPings 1.5'],
    [{ maxPeers: 0 }, 'maxPeers 0'],
    [{ maxRegions: Infinity }, 'maxRegions Infinity'],
    [{ historySize: 0 }, 'historySize 0'],
    [{ latencyWindow: 0 }, 'latencyWindow 0'],
    [{ loopResolutionMs: 0.5 }, 'loopResolutionMs 0.5'],
    [{ availabilityWindowMs: Infinity }, 'availabilityWindowMs Infinity'],
    [{ churnWindowMs: 0 }, 'churnWindowMs 0'],
    [{ maxUnseenMs: 0 }, 'maxUnseenMs 0'],
    [{ lostPeerMs: Number.NaN }, 'lostPeerMs NaN'],
    [{ unhealthyBelow: 60 }, 'unhealthyBelow 60'],
    [{ holdSamples: 1 }, 'holdSamples 1'],
  ])('refuses %o', (init, message) => {
    bench = makeMonitor(self)
    expect(() => healthMonitor(init)(bench.components)).toThrow(message)
  })
})

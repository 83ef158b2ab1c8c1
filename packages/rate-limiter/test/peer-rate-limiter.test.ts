import type { Lane } from '@gridmesh/interfaces'
import type {
  CalculatedMetricOptions,
  CalculateMetric,
  CounterGroup,
  Metric,
  MetricOptions,
  PeerId,
  Startable,
} from '@libp2p/interface'
import { start, stop } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { rateLimiter, type PeerLimitDetail, type PeerLimits, type PeerLimitsComponents } from '../src/index.ts'
import { PeerRateLimiter } from '../src/peer-rate-limiter.ts'
import { fakeHandshake, fakePeerManager, somePeer, type Reported } from './fakes.ts'

let peer: PeerId
let other: PeerId
let reports: Reported[]
let components: PeerLimitsComponents

beforeEach(async () => {
  peer = await somePeer()
  other = await somePeer()
  reports = []
  components = { logger: defaultLogger(), peerManager: fakePeerManager(reports) }
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const unused = (): never => expect.fail('not to be called')

function take(limits: PeerLimits, times: number, of: PeerId = peer): void {
  for (let taken = 0; taken < times; taken += 1) limits.take(of, '/x/1')
}

it('tells of every refusal', () => {
  const limits = rateLimiter({ messagesBurst: 2 })(components)
  const refused: PeerLimitDetail[] = []
  limits.addEventListener('peer:limit', ({ detail }) => refused.push(detail))
  take(limits, 4)
  const detail = { peer, protocol: '/x/1', limit: 'messagesPerSecond', value: 100 }
  expect(refused).toEqual([detail, detail])
})

it('reports a refused peer once a second, and each peer for itself', () => {
  const limits = rateLimiter({ messagesPerSecond: 0.001, messagesBurst: 1 })(components)
  take(limits, 50)
  take(limits, 50, other)
  expect(reports).toEqual([
    {
      peer: peer.toString(),
      class: 'rate-limited',
      evidence: 'over messagesPerSecond, which is 0.001, on /x/1',
    },
    { peer: other.toString(), class: 'rate-limited', evidence: expect.any(String) },
  ])
  vi.advanceTimersByTime(999)
  take(limits, 1)
  expect(reports).toHaveLength(2)
  vi.advanceTimersByTime(1)
  take(limits, 5)
  expect(reports).toHaveLength(3)
})

it('blames nobody for what all peers do together, but says so', () => {
  const limits = rateLimiter({ totalMessagesBurst: 1, maxKeys: 1 })(components)
  const refused: string[] = []
  limits.addEventListener('peer:limit', ({ detail }) => refused.push(detail.limit))
  take(limits, 2)
  take(limits, 1, other)
  expect(refused).toEqual(['totalMessagesPerSecond', 'maxKeys'])
  expect(reports).toEqual([])
})

it('lets `critical` pass when the total of all other lanes is used up, and holds it to one of its own', () => {
  const limits = rateLimiter({ totalMessagesPerSecond: 0.001, totalMessagesBurst: 2 })(components)
  const passes = (lane?: Lane): boolean => limits.take(other, '/x/1', undefined, lane).ok
  take(limits, 3)
  expect([passes(), passes('normal')]).toEqual([false, false])
  expect([passes('critical'), passes('critical'), passes('critical')]).toEqual([true, true, false])
})

it('does without its siblings', async () => {
  const limits = rateLimiter({ messagesBurst: 1 })({ logger: defaultLogger() })
  take(limits, 2)
  for (let sent = 0; sent < 1_000; sent += 1) await limits.whenAllowed(peer)
  expect(limits.take(peer, '/x/1').ok).toBe(false)
})

it('keeps sends within the quota of the handshake', async () => {
  const handshake = fakeHandshake({ messagesPerSecond: 5, bytesPerSecond: 1e6 })
  const limits = rateLimiter()({ ...components, handshake })
  await start(limits)
  let allowed = 0
  const count = (): number => (allowed += 1)
  const sends = Array.from({ length: 7 }, async () => limits.whenAllowed(peer).then(count))
  await vi.advanceTimersByTimeAsync(199)
  expect(allowed).toBe(5)
  await vi.advanceTimersByTimeAsync(201)
  expect(allowed).toBe(7)
  await Promise.all(sends)
  await stop(limits)
})

it('sends freely to a peer that announced no quota', async () => {
  const limits = rateLimiter()({ ...components, handshake: fakeHandshake(undefined) })
  for (let sent = 0; sent < 1_000; sent += 1) await limits.whenAllowed(peer)
  expect(vi.getTimerCount()).toBe(0)
})

it('forgets idle keys while it runs', async () => {
  const limits = rateLimiter({ maxKeys: 1, sweepIntervalMs: 500, messagesPerSecond: 10 })(components)
  await start(limits)
  take(limits, 1)
  expect(limits.take(other, '/x/1').ok).toBe(false)
  vi.advanceTimersByTime(500)
  expect(limits.take(other, '/x/1').ok).toBe(true)
  await stop(limits)
})

it('has no timer and no waiter left after stop, and starts again with the same counts', async () => {
  const handshake = fakeHandshake({ messagesPerSecond: 1, bytesPerSecond: 1 })
  const limits: PeerLimits & Startable = new PeerRateLimiter(
    { ...components, handshake },
    { messagesBurst: 1, messagesPerSecond: 0.001 },
  )
  await limits.start()
  await limits.start()
  expect(vi.getTimerCount()).toBe(1)
  take(limits, 1)
  await limits.whenAllowed(peer)
  const waits = limits.whenAllowed(peer)
  expect(vi.getTimerCount()).toBe(2)
  await limits.stop()
  await limits.stop()
  await expect(waits).rejects.toMatchObject({ name: 'AbortError' })
  expect(vi.getTimerCount()).toBe(0)

  await limits.start()
  expect(vi.getTimerCount()).toBe(1)
  expect(limits.take(peer, '/x/1').ok).toBe(false)
  await limits.stop()
})

it('counts refusals by limit, keys and waiting sends', async () => {
  const increment = vi.fn<CounterGroup['increment']>()
  const gauges = new Map<string, CalculateMetric>()
  function registerCounterGroup(name: string, options?: MetricOptions): CounterGroup
  function registerCounterGroup(name: string, options: CalculatedMetricOptions<Record<string, number>>): void
  function registerCounterGroup(name: string): CounterGroup {
    expect(name).toBe('gridmesh_rate_limiter_refused_total')
    return { increment, reset: unused }
  }
  function registerMetric(name: string, options?: MetricOptions): Metric
  function registerMetric(name: string, options: CalculatedMetricOptions): void
  function registerMetric(name: string, options: MetricOptions | CalculatedMetricOptions = {}): Metric {
    if ('calculate' in options) gauges.set(name, options.calculate)
    return { update: unused, increment: unused, decrement: unused, reset: unused, timer: unused }
  }
  const limits = rateLimiter({ messagesBurst: 1 })({
    ...components,
    metrics: { registerCounterGroup, registerMetric },
  })
  take(limits, 2)
  expect(increment.mock.calls).toEqual([[{ messagesPerSecond: true }]])
  expect(gauges.get('gridmesh_rate_limiter_held_keys')?.()).toBe(1)
  expect(gauges.get('gridmesh_rate_limiter_waiting_sends')?.()).toBe(0)
})

it('refuses a sweep interval that is no time, naming it', () => {
  expect(() => rateLimiter({ sweepIntervalMs: 0 })(components)).toThrow('sweepIntervalMs is 0')
})

it('sweeps no more often when asked to sweep more rarely than a timer can wait', async () => {
  const limits = rateLimiter({ maxKeys: 1, messagesPerSecond: 1_000, sweepIntervalMs: 1e12 })(components)
  await start(limits)
  const timer = vi.spyOn(globalThis, 'setInterval')
  await stop(limits)
  await start(limits)
  expect(timer).toHaveBeenCalledWith(expect.any(Function), 2_147_483_647)
  await stop(limits)
})

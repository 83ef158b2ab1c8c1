import { getEventListeners } from 'node:events'
import { type Metrics, TypedEventEmitter } from '@libp2p/interface'
import { describe, expect, it, vi } from 'vitest'
import { DefaultUnicast } from '../src/default-unicast.ts'
import { resolveLimits } from '../src/limits.ts'
import { PeerReporter } from '../src/peer-reporter.ts'
import { outcomeOf, UnicastMetrics } from '../src/unicast-metrics.ts'
import { RemoteError } from '../src/errors.ts'
import { bytes, pair, peerManagerStub } from './helpers.ts'

describe('options', () => {
  it.each([
    ['deadlineMs', 0],
    ['openTimeoutMs', Number.POSITIVE_INFINITY],
    ['maxInFlight', Number.NaN],
    ['retries', -1],
    ['maxMessageBytes', 104_857_601],
    ['maxHeldBytesPerPeer', 10_485_759],
    ['streamWindowBytes', 262_143],
  ])('refuses %s of %d by its name and value', (name, value) => {
    expect(() => resolveLimits({ [name]: value })).toThrow(RangeError)
    expect(() => resolveLimits({ [name]: value })).toThrow(`${name} ${value}`)
  })

  it('raises what depends on the largest message with it', () => {
    const limits = resolveLimits({ maxMessageBytes: 100 * 1_024 * 1_024 })
    expect(limits.maxHeldBytesPerPeer).toBe(100 * 1_024 * 1_024)
    // An honest peer may be in the middle of one in each lane below critical.
    expect(limits.maxPartialBytesPerPeer).toBeGreaterThan(300 * 1_024 * 1_024)
  })
})

describe('metrics', () => {
  it('counts calls by sort of outcome, and never by a code that a remote made up', () => {
    const increment = vi.fn<(values: object) => void>()
    const observe = vi.fn<(values: object) => void>()
    const group = { increment, reset: () => undefined }
    const metrics: Partial<Metrics> = {
      registerCounterGroup: () => group,
      registerHistogramGroup: () => ({ observe, reset: () => undefined, timer: () => () => undefined }),
    }
    const calculate = vi.fn<() => Record<string, number>>(() => ({ running: 1 }))
    const registered = Object.assign(metrics, { registerMetricGroup: () => undefined })
    const counted = new UnicastMetrics(registered as never, calculate)
    counted.called('high', 'ok', 20)
    counted.called('bulk', outcomeOf(new RemoteError('made-up-by-the-remote', '')), 3_000)
    expect(increment.mock.calls).toEqual([[{ ok: true }], [{ 'remote-error': true }]])
    expect(observe.mock.calls).toEqual([[{ high: 0.02 }], [{ bulk: 3 }]])
    expect(outcomeOf(new RangeError(''))).toBe('failed')
  })

  it('tells how many calls were answered, and forgets those whose caller gave up', () => {
    const counted = new UnicastMetrics(undefined, () => ({}))
    for (const outcome of ['ok', 'ok', 'remote-error', 'timeout', 'busy', 'aborted']) counted.called('high', outcome, 1)
    expect(counted.outcomes).toEqual({ answered: 3, failed: 2 })
  })
})

it('reports a peer for one thing at most once a second, and for each violation', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const stub = peerManagerStub()
  const peer: never = undefined as never
  const reporter = new PeerReporter(peer, () => stub as never)
  for (let i = 0; i < 5; i++) reporter.report('slow', 'late')
  for (let i = 0; i < 2; i++) reporter.report('protocol-violation', 'garbage')
  expect(stub.reports.map((report) => report.class)).toEqual(['slow', 'protocol-violation', 'protocol-violation'])
  vi.advanceTimersByTime(1_000)
  reporter.report('slow', 'late')
  expect(stub.reports.length).toBe(4)
  vi.useRealTimers()
})

it('sweeps old keys once a minute from start to stop', async () => {
  vi.useFakeTimers()
  const service = new DefaultUnicast({
    logger: { forComponent: () => undefined },
    events: new TypedEventEmitter(),
    registrar: { handle: async () => undefined, unhandle: async () => undefined },
  } as never)
  const sweep = vi.spyOn(service.memory, 'sweep')
  await service.start()
  vi.advanceTimersByTime(60_000)
  expect(sweep).toHaveBeenCalledTimes(1)
  await service.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

it('leaves no timer and no listener of a call that was answered', async () => {
  const link = await pair()
  link.answer.handle('echo', (question) => question)
  const set = vi.spyOn(globalThis, 'setTimeout')
  const cleared = vi.spyOn(globalThis, 'clearTimeout')
  const { signal } = new AbortController()
  const options = { signal, deadlineMs: 54_321 }
  await link.call.request(link.b.peerId, 'echo', bytes('1'), options)
  await link.call.send(link.b.peerId, 'echo', bytes('2'), options)
  const timers = set.mock.results.filter((_, i) => set.mock.calls[i]?.[1] === options.deadlineMs)
  expect(timers).toHaveLength(2)
  for (const { value } of timers) expect(cleared).toHaveBeenCalledWith(value)
  expect(getEventListeners(signal, 'abort')).toEqual([])
  vi.restoreAllMocks()
  await link.stop()
})

it('reports a peer that leaves a hundred calls unanswered once', async () => {
  const peers = peerManagerStub()
  const link = await pair({ stubs: { peerManager: peers } })
  link.answer.handle('silent', () => new Promise(() => undefined))
  const calls = Array.from({ length: 100 }, () =>
    link.call.request(link.b.peerId, 'silent', bytes(''), { deadlineMs: 30 }),
  )
  const names = (await Promise.allSettled(calls)).map((result) => result.status === 'rejected' && result.reason.name)
  expect(new Set(names)).toEqual(new Set(['TimeoutError']))
  expect(peers.reports.map((report) => report.class)).toEqual(['slow'])
  await link.stop()
})

import { defaultLogger } from '@libp2p/logger'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rateLimiter, TrafficLimiter } from '../src/index.ts'
import { fakePeerManager, somePeer, type Reported } from './fakes.ts'

describe('a peer', () => {
  it('gets no more through by redialling or by spreading its messages over a second', () => {
    const limiter = new TrafficLimiter()
    let passed = 0
    for (let atMs = 0; atMs < 1_000; atMs += 1) {
      for (let tries = 0; tries < 5; tries += 1) if (limiter.take('a', '/x/1', undefined, atMs).ok) passed += 1
    }
    expect(passed).toBe(200 + 99)
  })

  it('that never stops gets through what its rate allows, no less', () => {
    const limiter = new TrafficLimiter({ messagesPerSecond: 10, messagesBurst: 10 })
    let passed = 0
    for (let atMs = 0; atMs < 60_000; atMs += 7) if (limiter.take('a', '/x/1', undefined, atMs).ok) passed += 1
    expect(passed).toBe(10 + 599)
  })

  it('with an endless backlog cannot keep others from their share', () => {
    const limiter = new TrafficLimiter()
    for (let tries = 0; tries < 100_000; tries += 1) limiter.take('flood', '/x/1', { messages: 20_000 }, 0)
    // The flood was let into debt once, by its own weight, and the total is used up; a second later it is not.
    expect(limiter.take('honest', '/x/1', undefined, 0)).toMatchObject({ limit: 'totalMessagesPerSecond' })
    expect(limiter.take('honest', '/x/1', { messages: 200 }, 1_000).ok).toBe(true)
    expect(limiter.take('flood', '/x/1', undefined, 1_000).ok).toBe(false)
  })
})

describe('many strangers', () => {
  it.each(['high', 'normal', 'bulk'] as const)('that flood in `%s` take no room of `critical`', (lane) => {
    const limiter = new TrafficLimiter()
    for (let peer = 0; peer < 1_000; peer += 1) limiter.take(`s${peer}`, '/x/1', { messages: 200 }, 0, lane)
    expect(limiter.take('honest', '/x/1', undefined, 0, lane)).toMatchObject({ limit: 'totalMessagesPerSecond' })
    for (let sent = 0; sent < 200; sent += 1)
      expect(limiter.take('honest', '/urgent/1', undefined, 0, 'critical').ok).toBe(true)
  })

  it('fill no more than maxKeys keys, and the known peers go on', () => {
    const limiter = new TrafficLimiter({ maxKeys: 1_000, totalMessagesPerSecond: 1e9 })
    limiter.take('known', '/x/1', undefined, 0)
    for (let stranger = 0; stranger < 20_000; stranger += 1) limiter.take(`s${stranger}`, '/x/1', undefined, 0)
    expect(limiter.size).toBe(1_000)
    expect(limiter.take('known', '/x/1', undefined, 0).ok).toBe(true)
  })

  it('on protocols made up for the purpose are held to the same bound', () => {
    const limiter = new TrafficLimiter({ maxKeys: 100 })
    for (let made = 0; made < 1_000; made += 1) limiter.take('a', `/made-up/${made}`, undefined, 0)
    expect(limiter.size).toBe(100)
    limiter.sweep(1_000)
    expect(limiter.size).toBe(0)
  })

  it('are served again as soon as the keys before them owe nothing', () => {
    const limiter = new TrafficLimiter({ maxKeys: 10, totalMessagesPerSecond: 1e9 })
    for (let atMs = 0; atMs < 20_000; atMs += 1_000) {
      const verdicts = Array.from({ length: 20 }, (_, index) =>
        limiter.take(`${atMs}-${index}`, '/x/1', undefined, atMs),
      )
      expect(verdicts.filter(({ ok }) => ok)).toHaveLength(10)
    }
  })
})

describe('names', () => {
  it.each(['__proto__', 'constructor', 'toString', ''])('such as %j are names like any other', (name) => {
    const limiter = new TrafficLimiter({ messagesBurst: 1 })
    expect(limiter.take(name, name, undefined, 0).ok).toBe(true)
    expect(limiter.take(name, name, undefined, 0)).toMatchObject({ limit: 'messagesPerSecond' })
  })

  it('that run together the same way are kept apart', () => {
    const limiter = new TrafficLimiter({ messagesBurst: 1 })
    expect(limiter.take('ab', 'c', undefined, 0).ok).toBe(true)
    expect(limiter.take('a', 'bc', undefined, 0).ok).toBe(true)
  })
})

describe('costs', () => {
  it.each([
    { messages: -1 },
    { messages: Number.NaN },
    { bytes: -0.5 },
    { bytes: Infinity },
    { streams: Number.NaN },
    { messages: 1e308, bytes: 1e308 },
  ])('of %o are the mistake of the caller and charge nothing', (cost) => {
    const limiter = new TrafficLimiter({ messagesBurst: 1 })
    expect(() => limiter.take('a', '/x/1', cost, 0)).toThrow(RangeError)
    expect(limiter.size).toBe(0)
    expect(limiter.take('a', '/x/1', undefined, 0).ok).toBe(true)
  })
})

describe('a flood of refusals', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('costs its author one report a second', async () => {
    const reports: Reported[] = []
    const peerManager = fakePeerManager(reports)
    const limits = rateLimiter({ messagesPerSecond: 0.001, messagesBurst: 1 })({ logger: defaultLogger(), peerManager })
    const peer = await somePeer()
    for (let sent = 0; sent < 5_000; sent += 1) {
      limits.take(peer, '/x/1')
      vi.advanceTimersByTime(1)
    }
    // The first message passes, the flood begins 1 ms later.
    expect(reports).toHaveLength(5)
  })
})

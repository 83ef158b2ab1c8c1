import { HandshakeRejectedError } from '@gridmesh/interfaces'
import { AbortError, TimeoutError, UnsupportedProtocolError } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HandshakeViolationError } from '../src/errors.ts'
import { explainFailure } from '../src/failure.ts'
import { FrameBudget } from '../src/frame-budget.ts'
import { OwnHello } from '../src/own-hello.ts'
import { readIdentity, readLimits } from '../src/options.ts'
import { StatusAnnouncer } from '../src/status-announcer.ts'
import { Deadline, raced, sleep } from '../src/timing.ts'
import { makeInit } from './helpers.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function started(intervalMs = 15_000) {
  const announce = vi.fn<() => void>()
  const announcer = new StatusAnnouncer(intervalMs, announce)
  announcer.start()
  return { announce, announcer }
}

describe('StatusAnnouncer', () => {
  it('announces once for all changes of a tick', () => {
    const { announce, announcer } = started()
    announcer.changed()
    announcer.changed()
    expect(announce).not.toHaveBeenCalled()
    vi.advanceTimersByTime(0)
    expect(announce).toHaveBeenCalledTimes(1)
  })

  it('announces a change 500 ms after the last one and not sooner', () => {
    const { announce, announcer } = started()
    announcer.changed()
    vi.advanceTimersByTime(0)
    announcer.changed()
    vi.advanceTimersByTime(499)
    expect(announce).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(1)
    expect(announce).toHaveBeenCalledTimes(2)
  })

  it('announces every interval while nothing changes', () => {
    const { announce } = started(15_000)
    vi.advanceTimersByTime(45_000)
    expect(announce).toHaveBeenCalledTimes(3)
  })

  it('leaves no timer behind and says nothing when stopped', () => {
    const { announce, announcer } = started()
    announcer.changed()
    announcer.stop()
    announcer.changed()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(60_000)
    expect(announce).not.toHaveBeenCalled()
  })
})

describe('FrameBudget', () => {
  it('takes a burst of two seconds, then one frame per interval', () => {
    const budget = new FrameBudget(10)
    for (let i = 0; i < 20; i++) expect(budget.charge()).toBe(0)
    expect(budget.charge()).toBeCloseTo(100)
    vi.advanceTimersByTime(200)
    expect(budget.charge()).toBeCloseTo(0)
  })

  it('takes no more at once after an hour of silence', () => {
    const budget = new FrameBudget(10)
    budget.charge()
    vi.advanceTimersByTime(3_600_000)
    for (let i = 0; i < 20; i++) expect(budget.charge()).toBe(0)
    expect(budget.charge()).toBeCloseTo(100)
  })
})

describe('timing', () => {
  it('rejects with the reason of the deadline and leaves no timer behind when cleared', async () => {
    const deadline = new Deadline(1_000, () => new TimeoutError('late'))
    const waiting = raced(new Promise(() => undefined), deadline.signal)
    vi.advanceTimersByTime(1_000)
    await expect(waiting).rejects.toThrow('late')
    new Deadline(1_000, () => new TimeoutError('late')).clear()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects with an error whatever the reason, even one that has no text', async () => {
    const controller = new AbortController()
    const waiting = raced(new Promise(() => undefined), controller.signal)
    const reason: unknown = Object.create(null)
    controller.abort(reason)
    await expect(waiting).rejects.toMatchObject({ name: 'TypeError', cause: reason })
  })

  it('ends a sleep and its timer when aborted', async () => {
    const controller = new AbortController()
    const sleeping = sleep(1_000, controller.signal)
    controller.abort(new AbortError('enough'))
    await expect(sleeping).rejects.toThrow('enough')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('explainFailure', () => {
  const rejected = new HandshakeRejectedError({ code: 'wrong-chain', message: '' }, 'them')
  it.each([
    [rejected, 'wrong-chain', 'them', true, undefined],
    [new HandshakeViolationError('malformed', ''), 'protocol-violation', 'us', true, 'protocol-violation'],
    [new HandshakeViolationError('flood', ''), 'protocol-violation', 'us', true, 'rate-limited'],
    [new TimeoutError(), 'timeout', 'us', true, 'slow'],
    [new UnsupportedProtocolError(), 'unsupported', 'us', true, undefined],
    [new AbortError(), 'closed', 'them', false, undefined],
    ['no error', 'closed', 'them', false, undefined],
  ] as const)('explains %s', (thrown, code, by, isRefusal, blame) => {
    const failure = explainFailure(thrown, { deadlineMs: 10_000, isOurTurn: false })
    expect(failure).toMatchObject({ by, isRefusal, reason: { code } })
    expect(failure.report?.class).toBe(blame)
  })

  it('blames nobody for time that we took ourselves', () => {
    const failure = explainFailure(new TimeoutError(), { deadlineMs: 10_000, isOurTurn: true })
    expect(failure.reason).toMatchObject({ code: 'timeout', limit: 'deadlineMs', value: 10_000 })
    expect(failure.report).toBeUndefined()
  })
})

describe('options', () => {
  it.each([
    [{ deadlineMs: 0 }, 'deadlineMs 0'],
    // A timer that is given more fires at once, and again and again.
    [{ deadlineMs: 2 ** 31 }, 'deadlineMs 2147483648 must be at most 2147483647'],
    [{ statusIntervalMs: 2 ** 31 }, 'statusIntervalMs 2147483648 must be at most 2147483647'],
    [{ statusIntervalMs: Infinity }, 'statusIntervalMs Infinity'],
    [{ maxClockSkewMs: NaN }, 'maxClockSkewMs NaN'],
    [{ maxHandshakes: -1 }, 'maxHandshakes -1'],
    [{ maxConnectionsPerPeer: 1 }, 'maxConnectionsPerPeer 1'],
  ])('refuses %o and names the value', (init, message) => {
    expect(() => readLimits(makeInit(init))).toThrow(message)
  })

  it('takes the longest time that a timer can wait', () => {
    const longest = { deadlineMs: 2 ** 31 - 1, statusIntervalMs: 2 ** 31 - 1 }
    expect(readLimits(makeInit(longest))).toMatchObject(longest)
  })

  it.each([
    [{ role: 'x'.repeat(65) }, 'role'],
    [{ chainId: 'a\nb' }, 'chainId'],
    [{ chainId: '' }, 'chainId must not be empty'],
    [{ genesisHash: '' }, 'genesisHash must not be empty'],
    [{ region: JSON.parse('5') }, 'region 5 must be a text'],
    [{ capabilities: JSON.parse('"sync"') }, 'capabilities sync must be a list'],
    [{ capabilities: Array<string>(65).fill('x') }, '65 capabilities'],
    [{ protocol: { min: 2, max: 1 } }, 'protocol 2 to 1'],
    [{ protocol: { min: 1, max: 1.5 } }, 'protocol 1 to 1.5'],
    [{ quota: { messagesPerSecond: 0, bytesPerSecond: 1 } }, 'quota.messagesPerSecond 0'],
  ])('refuses %o, which no peer would accept', (init, message) => {
    expect(() => readIdentity(makeInit(init))).toThrow(message)
  })

  it('names an option that is required and was not given', () => {
    const { chainId: _, ...rest } = makeInit()
    expect(() => readIdentity(Object.assign(rest, JSON.parse('{}')))).toThrow('chainId undefined must be a text')
  })
})

describe('OwnHello', () => {
  const addresses = { getAddresses: () => Array.from({ length: 40 }, (_, i) => multiaddr(`/ip4/127.0.0.1/tcp/${i}`)) }

  it('names the first 32 listen addresses, each capability once, and the time of now', async () => {
    vi.setSystemTime(1_234)
    const hello = await new OwnHello(makeInit({ capabilities: ['a', 'b', 'a'] }), addresses).build()
    expect(hello).toMatchObject({ capabilities: ['a', 'b'], timeMs: 1_234, userAgent: 'gridmesh', height: 0 })
    expect(hello.listenAddresses).toHaveLength(32)
  })

  it('refuses a status that no peer would accept, and keeps the one before', () => {
    const own = new OwnHello(makeInit(), addresses)
    own.setStatus({ height: 1, tipHash: 'aa' })
    expect(() => own.setStatus({ height: -1, tipHash: '' })).toThrow('height -1')
    expect(() => own.setStatus({ height: 1, tipHash: 'x'.repeat(129) })).toThrow('tipHash')
    expect(own.status).toEqual({ height: 1, tipHash: 'aa' })
  })

  it.each([
    ['throws', () => Promise.reject(new TypeError('no key'))],
    ['are too long', () => new Uint8Array(2_049)],
  ])('is unavailable when the credentials %s, without saying why', async (_, credentials) => {
    const built = new OwnHello(makeInit({ credentials }), addresses).build()
    await expect(built).rejects.toMatchObject({
      code: 'unavailable',
      by: 'us',
      reason: { message: 'this node could not produce its credentials' },
    })
  })
})

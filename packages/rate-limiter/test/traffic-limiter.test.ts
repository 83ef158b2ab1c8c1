import { queryObjects } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { TrafficLimiter } from '../src/index.ts'

const MIB = 1024 * 1024

/** Takes as often as it passes, up to `most` times. */
function drain(limiter: TrafficLimiter, peer: string, atMs: number, most = 100_000): number {
  let passed = 0
  while (passed < most && limiter.take(peer, '/x/1', undefined, atMs).ok) passed += 1
  return passed
}

describe('messages', () => {
  it('pass up to the burst at once, and the next is refused with limit, value and time', () => {
    const limiter = new TrafficLimiter()
    expect(drain(limiter, 'a', 0)).toBe(200)
    expect(limiter.take('a', '/x/1', undefined, 0)).toEqual({
      ok: false,
      limit: 'messagesPerSecond',
      value: 100,
      retryAfterMs: 10,
    })
  })

  it('pass again after 1000 / messagesPerSecond ms and not 1 ms sooner', () => {
    const limiter = new TrafficLimiter()
    drain(limiter, 'a', 0)
    expect(limiter.take('a', '/x/1', undefined, 9).ok).toBe(false)
    expect(drain(limiter, 'a', 10)).toBe(1)
  })

  it('are counted per peer and per protocol', () => {
    const limiter = new TrafficLimiter({ messagesBurst: 1 })
    expect(limiter.take('a', '/x/1', undefined, 0).ok).toBe(true)
    expect(limiter.take('a', '/x/1', undefined, 0).ok).toBe(false)
    expect(limiter.take('a', '/y/1', undefined, 0).ok).toBe(true)
    expect(limiter.take('b', '/x/1', undefined, 0).ok).toBe(true)
  })

  it('weigh what the cost says', () => {
    const limiter = new TrafficLimiter()
    expect(limiter.take('a', '/x/1', { messages: 199 }, 0).ok).toBe(true)
    expect(limiter.take('a', '/x/1', { messages: 2 }, 0).ok).toBe(false)
    expect(limiter.take('a', '/x/1', { messages: 1 }, 0).ok).toBe(true)
  })

  it('pass the same frozen verdict each time', () => {
    const limiter = new TrafficLimiter()
    const verdict = limiter.take('a', '/x/1', undefined, 0)
    expect(limiter.take('a', '/x/1', undefined, 0)).toBe(verdict)
    expect(Object.isFrozen(verdict)).toBe(true)
  })

  it('are measured by performance.now() where no time is given', () => {
    const limiter = new TrafficLimiter({ messagesPerSecond: 0.001, messagesBurst: 1 })
    expect(limiter.take('a', '/x/1').ok).toBe(true)
    expect(limiter.take('a', '/x/1').ok).toBe(false)
    expect(limiter.take('a', '/x/1', undefined, performance.now() + 1_000_000).ok).toBe(true)
  })
})

describe('bytes and streams', () => {
  it('have limits of their own, each named when it refuses', () => {
    const limiter = new TrafficLimiter()
    expect(limiter.take('a', '/x/1', { bytes: 10 * MIB }, 0).ok).toBe(true)
    expect(limiter.take('a', '/x/1', { bytes: 1 }, 0)).toMatchObject({ limit: 'bytesPerSecond', value: 5 * MIB })
    for (let opened = 0; opened < 40; opened += 1) {
      expect(limiter.take('a', '/x/1', { streams: 1 }, 0).ok).toBe(true)
    }
    expect(limiter.take('a', '/x/1', { streams: 1 }, 0)).toEqual({
      ok: false,
      limit: 'streamsPerSecond',
      value: 20,
      retryAfterMs: 50,
    })
  })

  it('charge a message with bytes and none with a stream open', () => {
    const limiter = new TrafficLimiter({ messagesBurst: 1 })
    expect(limiter.take('a', '/x/1', { streams: 1 }, 0).ok).toBe(true)
    expect(limiter.take('a', '/x/1', { bytes: 1 }, 0).ok).toBe(true)
    expect(limiter.take('a', '/x/1', { bytes: 1 }, 0)).toMatchObject({ limit: 'messagesPerSecond' })
  })

  it('name the limit that takes longest where several refuse', () => {
    const limiter = new TrafficLimiter({ messagesPerSecond: 1, messagesBurst: 1, bytesPerSecond: 100, bytesBurst: 100 })
    limiter.take('a', '/x/1', { messages: 1, bytes: 100 }, 0)
    expect(limiter.take('a', '/x/1', { messages: 1, bytes: 1 }, 0)).toMatchObject({
      limit: 'messagesPerSecond',
      retryAfterMs: 1_000,
    })
    expect(limiter.take('a', '/x/1', { messages: 0, bytes: 50 }, 0)).toMatchObject({
      limit: 'bytesPerSecond',
      retryAfterMs: 500,
    })
  })
})

describe('a cost above its burst', () => {
  it('passes when nothing is owed, and is paid off before the next', () => {
    const limiter = new TrafficLimiter()
    expect(limiter.take('a', '/x/1', { bytes: 100 * MIB }, 0).ok).toBe(true)
    // 90 MiB have to go before the burst of 10 MiB has room for one byte more.
    expect(limiter.take('a', '/x/1', { bytes: 1 }, 0)).toMatchObject({ limit: 'bytesPerSecond', retryAfterMs: 18_001 })
    expect(limiter.take('a', '/x/1', { bytes: 1 }, 17_999).ok).toBe(false)
    expect(limiter.take('a', '/x/1', { bytes: 1 }, 18_001).ok).toBe(true)
  })

  it('waits until nothing is owed', () => {
    const limiter = new TrafficLimiter()
    limiter.take('a', '/x/1', { bytes: 5 * MIB }, 0)
    expect(limiter.take('a', '/x/1', { bytes: 100 * MIB }, 0)).toMatchObject({ retryAfterMs: 1_000 })
    expect(limiter.take('a', '/x/1', { bytes: 100 * MIB }, 1_000).ok).toBe(true)
  })

  it('never passes the total, since all peers would pay for one', () => {
    const limiter = new TrafficLimiter({ totalMessagesPerSecond: 50 })
    expect(limiter.take('a', '/x/1', { messages: 101 }, 0)).toEqual({
      ok: false,
      limit: 'totalMessagesBurst',
      value: 100,
      retryAfterMs: Infinity,
    })
    expect(limiter.take('a', '/x/1', { messages: 100 }, 0).ok).toBe(true)
  })
})

describe('the total', () => {
  it('is shared by all peers and protocols', () => {
    const limiter = new TrafficLimiter()
    let passed = 0
    for (let peer = 0; peer < 150; peer += 1) passed += drain(limiter, `peer-${peer}`, 0)
    expect(passed).toBe(20_000)
    expect(limiter.take('newcomer', '/x/1', undefined, 0)).toEqual({
      ok: false,
      limit: 'totalMessagesPerSecond',
      value: 10_000,
      retryAfterMs: 1,
    })
    expect(limiter.take('newcomer', '/x/1', { streams: 1 }, 0).ok).toBe(true)
  })

  it('gives way to the limit of the peer where both refuse', () => {
    const limiter = new TrafficLimiter({ messagesBurst: 1, totalMessagesBurst: 1 })
    limiter.take('a', '/x/1', undefined, 0)
    expect(limiter.take('a', '/x/1', undefined, 0)).toMatchObject({ limit: 'messagesPerSecond' })
    expect(limiter.take('b', '/x/1', undefined, 0)).toMatchObject({ limit: 'totalMessagesPerSecond' })
  })
})

describe('the limits of one protocol', () => {
  it('stand in for the general ones', () => {
    const limiter = new TrafficLimiter({ protocols: { '/x/1': { messagesPerSecond: 2 } } })
    expect(drain(limiter, 'a', 0)).toBe(4)
    expect(limiter.take('a', '/x/1', undefined, 0)).toMatchObject({ value: 2, retryAfterMs: 500 })
    expect(limiter.take('a', '/y/1', { messages: 200 }, 0).ok).toBe(true)
  })
})

describe('keys', () => {
  it('are refused beyond maxKeys, and the ones held go on', () => {
    const limiter = new TrafficLimiter({ maxKeys: 2 })
    limiter.take('a', '/x/1', undefined, 0)
    limiter.take('a', '/y/1', undefined, 0)
    expect(limiter.take('b', '/x/1', undefined, 0)).toEqual({
      ok: false,
      limit: 'maxKeys',
      value: 2,
      retryAfterMs: 1_000,
    })
    expect(limiter.take('a', '/x/1', undefined, 0).ok).toBe(true)
    expect(limiter.size).toBe(2)
  })

  it('are forgotten by a sweep once they owe nothing, and not before', () => {
    const limiter = new TrafficLimiter()
    limiter.take('a', '/x/1', { messages: 100 }, 0)
    limiter.sweep(999)
    expect(limiter.size).toBe(1)
    limiter.sweep(1_000)
    expect(limiter.size).toBe(0)
  })

  it('make room for a new one when they owe nothing any more', () => {
    const limiter = new TrafficLimiter({ maxKeys: 1 })
    limiter.take('a', '/x/1', undefined, 0)
    expect(limiter.take('b', '/x/1', undefined, 0).ok).toBe(false)
    expect(limiter.take('b', '/x/1', undefined, 999)).toMatchObject({ retryAfterMs: 1 })
    expect(limiter.take('b', '/x/1', undefined, 1_000).ok).toBe(true)
    expect(limiter.size).toBe(1)
  })

  it('are not held for who was refused', () => {
    const limiter = new TrafficLimiter({ totalMessagesBurst: 1 })
    limiter.take('a', '/x/1', undefined, 0)
    limiter.take('b', '/x/1', undefined, 0)
    expect(limiter.size).toBe(1)
  })

  it('leave nothing behind of a protocol that all have left', () => {
    const limiter = new TrafficLimiter()
    limiter.take('a', '/kept/1', { messages: 200 }, 0)
    const before = queryObjects(Map, { format: 'count' })
    for (let protocol = 0; protocol < 1_000; protocol += 1) limiter.take('a', `/${protocol}/1`, undefined, 0)
    limiter.sweep(1_000)
    expect(limiter.size).toBe(1)
    expect(queryObjects(Map, { format: 'count' }) - before).toBeLessThan(500)
  })

  it('start afresh in the place of a forgotten one', () => {
    const limiter = new TrafficLimiter({ messagesPerSecond: 1_000, messagesBurst: 5 })
    for (let round = 0; round < 100; round += 1) {
      expect(drain(limiter, `peer-${round}`, round * 1_000)).toBe(5)
      limiter.sweep(round * 1_000 + 999)
      expect(limiter.size).toBe(0)
    }
  })
})

it('charges no part of a cost of which another part is refused', () => {
  const limiter = new TrafficLimiter({ messagesBurst: 10, bytesBurst: 10, totalMessagesBurst: 12 })
  limiter.take('a', '/x/1', { messages: 1, bytes: 10 }, 0)
  expect(limiter.take('a', '/x/1', { messages: 5, bytes: 1 }, 0)).toMatchObject({ limit: 'bytesPerSecond' })
  expect(limiter.take('a', '/x/1', { messages: 9 }, 0).ok).toBe(true)
  limiter.take('b', '/x/1', { messages: 1 }, 0)
  expect(limiter.take('b', '/x/1', { messages: 2, bytes: 9 }, 0)).toMatchObject({ limit: 'totalMessagesPerSecond' })
  expect(limiter.take('b', '/x/1', { messages: 1, bytes: 10 }, 0).ok).toBe(true)
})

import { type Lane, LANES, type Quota } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OutboundPacer, type OutboundPacerInit } from '../src/index.ts'
import { excesses, type Pass } from './window.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const TEN: Quota = { messagesPerSecond: 10, bytesPerSecond: 1_000 }

function started(quota: Quota | undefined = TEN, init: OutboundPacerInit = {}): OutboundPacer<string> {
  const pacer = new OutboundPacer<string>(() => quota, init)
  pacer.start()
  return pacer
}

/** Sends, and writes the name down when it may; errors by their name. */
function send(pacer: OutboundPacer<string>, log: string[], name: string, ...rest: SendArguments): void {
  const [cost, peer = 'a', signal, lane] = rest
  const options = { ...(signal === undefined ? {} : { signal }), ...(lane === undefined ? {} : { lane }) }
  pacer.whenAllowed(peer, cost, options).then(
    () => log.push(name),
    (err: Error) => log.push(`${name}: ${err.name}`),
  )
}
type SendArguments = [
  cost?: { messages?: number; bytes?: number; streams?: number },
  peer?: string,
  signal?: AbortSignal,
  lane?: Lane,
]

/** As `send`, in a lane. */
function sendIn(pacer: OutboundPacer<string>, log: string[], lane: Lane, name: string, messages = 1): void {
  send(pacer, log, name, { messages }, 'a', undefined, lane)
}

async function advance(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

describe('a send', () => {
  it('is allowed at once where no quota is known, and holds nothing', async () => {
    const pacer = new OutboundPacer<string>(() => undefined)
    for (let sent = 0; sent < 1_000; sent += 1) await pacer.whenAllowed('a', { messages: 1_000 })
    expect(pacer.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('passes up to one second of the quota at once; the next waits 1000 / messagesPerSecond ms', async () => {
    const pacer = started()
    const log: string[] = []
    for (let sent = 0; sent < 12; sent += 1) send(pacer, log, `${sent}`)
    await advance(99)
    expect(log).toHaveLength(10)
    await advance(1)
    expect(log).toHaveLength(11)
    await advance(100)
    expect(log).toHaveLength(12)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('passes a burst of outboundBurstMs', async () => {
    const pacer = started(TEN, { outboundBurstMs: 300 })
    const log: string[] = []
    for (let sent = 0; sent < 12; sent += 1) send(pacer, log, `${sent}`)
    await advance(0)
    expect(log).toHaveLength(3)
  })

  it('is held by bytes as well as by messages', async () => {
    const pacer = started()
    const log: string[] = []
    send(pacer, log, 'first', { bytes: 1_000 })
    send(pacer, log, 'second', { bytes: 200 })
    await advance(199)
    expect(log).toEqual(['first'])
    await advance(1)
    expect(log).toEqual(['first', 'second'])
  })

  it('waits for nothing when it only opens a stream', async () => {
    const pacer = started()
    const log: string[] = []
    send(pacer, log, 'burst', { messages: 10 })
    send(pacer, log, 'stream', { streams: 5 })
    await advance(0)
    expect(log).toEqual(['burst', 'stream'])
  })

  it('above the burst passes when nothing is owed, and is paid off before the next', async () => {
    const pacer = started()
    const log: string[] = []
    send(pacer, log, 'large', { bytes: 5_000 })
    send(pacer, log, 'small', { bytes: 1 })
    await advance(4_000)
    expect(log).toEqual(['large'])
    await advance(1)
    expect(log).toEqual(['large', 'small'])
  })

  it('does not overtake an earlier one that needs more, unless to another peer', async () => {
    const pacer = started()
    const log: string[] = []
    send(pacer, log, 'burst', { messages: 10 })
    send(pacer, log, 'heavy', { messages: 5 })
    send(pacer, log, 'light', { messages: 1 })
    send(pacer, log, 'other', { messages: 1 }, 'b')
    await advance(499)
    expect(log).toEqual(['burst', 'other'])
    await advance(101)
    expect(log).toEqual(['burst', 'other', 'heavy', 'light'])
  })

  it('is refused once maxWaitersPerPeer wait for the peer, and others are not', async () => {
    const pacer = started(TEN, { maxWaitersPerPeer: 2 })
    const log: string[] = []
    send(pacer, log, 'burst', { messages: 10 })
    send(pacer, log, 'one')
    send(pacer, log, 'two')
    const third = pacer.whenAllowed('a')
    await expect(third).rejects.toMatchObject({ name: 'QueueFullError', limit: 'maxWaitersPerPeer', value: 2 })
    send(pacer, log, 'other', undefined, 'b')
    expect(pacer.waiting).toBe(2)
    await advance(200)
    expect(log).toEqual(['burst', 'other', 'one', 'two'])
  })

  it('is refused to a new peer beyond maxKeys, until one owes nothing any more', async () => {
    const pacer = started(TEN, { maxKeys: 1 })
    await pacer.whenAllowed('a')
    await expect(pacer.whenAllowed('b')).rejects.toMatchObject({ name: 'QueueFullError', limit: 'maxKeys', value: 1 })
    await advance(100)
    await pacer.whenAllowed('b')
    expect(pacer.size).toBe(1)
  })

  it('fails with a TimeoutError after maxWaitMs, and charges nothing', async () => {
    const pacer = started({ messagesPerSecond: 1, bytesPerSecond: 0 }, { maxWaitMs: 500, outboundBurstMs: 2_000 })
    const log: string[] = []
    send(pacer, log, 'burst', { messages: 2 })
    send(pacer, log, 'late', { messages: 1 })
    await advance(499)
    expect(log).toEqual(['burst'])
    await advance(1)
    expect(log).toEqual(['burst', 'late: TimeoutError'])
    await advance(500)
    send(pacer, log, 'next', { messages: 1 })
    await advance(0)
    expect(log).toContain('next')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a lane', () => {
  it('that is critical waits for no other lane, and has the quota for itself', async () => {
    const pacer = started(TEN, { maxWaitersPerPeer: 2 })
    const log: string[] = []
    sendIn(pacer, log, 'normal', 'burst', 10)
    sendIn(pacer, log, 'normal', 'one')
    sendIn(pacer, log, 'bulk', 'two')
    for (let sent = 0; sent < 12; sent += 1) sendIn(pacer, log, 'critical', `critical ${sent}`)
    await advance(0)
    expect(log).toEqual(['burst', ...Array.from({ length: 10 }, (_, sent) => `critical ${sent}`)])
    await expect(pacer.whenAllowed('a', {}, { lane: 'critical' })).rejects.toMatchObject({
      name: 'QueueFullError',
      limit: 'maxWaitersPerPeer',
      lane: 'critical',
    })
    await advance(200)
    expect(log.slice(11).toSorted()).toEqual(['critical 10', 'critical 11', 'one', 'two'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('passes before a less urgent one that came earlier, at once where there is room', async () => {
    const pacer = started()
    const log: string[] = []
    sendIn(pacer, log, 'bulk', 'burst', 9)
    sendIn(pacer, log, 'bulk', 'bulk', 5)
    sendIn(pacer, log, 'normal', 'normal', 2)
    sendIn(pacer, log, 'high', 'high')
    await advance(0)
    expect(log).toEqual(['burst', 'high'])
    sendIn(pacer, log, 'high', 'again')
    await advance(100)
    expect(log).toEqual(['burst', 'high', 'again'])
    await advance(200)
    expect(log).toEqual(['burst', 'high', 'again', 'normal'])
    await advance(500)
    expect(log).toEqual(['burst', 'high', 'again', 'normal', 'bulk'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('takes the place of the newest of the least urgent ones where maxWaitersPerPeer wait', async () => {
    const pacer = started(TEN, { maxWaitersPerPeer: 3 })
    const log: string[] = []
    sendIn(pacer, log, 'bulk', 'burst', 10)
    sendIn(pacer, log, 'normal', 'normal')
    sendIn(pacer, log, 'bulk', 'bulk')
    sendIn(pacer, log, 'bulk', 'newest')
    sendIn(pacer, log, 'high', 'high')
    await advance(0)
    expect(log).toEqual(['burst', 'newest: QueueFullError'])
    sendIn(pacer, log, 'bulk', 'refused')
    await advance(0)
    expect(log).toEqual(['burst', 'newest: QueueFullError', 'refused: QueueFullError'])
    expect(pacer.waiting).toBe(3)
    await advance(300)
    expect(log.slice(3)).toEqual(['high', 'normal', 'bulk'])
  })

  it('that waits behind more urgent ones fails with a TimeoutError after maxWaitMs all the same', async () => {
    const pacer = started({ messagesPerSecond: 1, bytesPerSecond: 0 }, { maxWaitMs: 500 })
    const log: string[] = []
    sendIn(pacer, log, 'bulk', 'burst')
    sendIn(pacer, log, 'bulk', 'bulk')
    await advance(100)
    sendIn(pacer, log, 'high', 'high')
    await advance(399)
    expect(log).toEqual(['burst'])
    await advance(1)
    expect(log).toEqual(['burst', 'bulk: TimeoutError'])
    await advance(100)
    expect(log).toEqual(['burst', 'bulk: TimeoutError', 'high: TimeoutError'])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a signal', () => {
  it('that aborted before is thrown', async () => {
    const reason = new RangeError('given up')
    const pacer = started()
    await expect(pacer.whenAllowed('a', {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('ends the wait with its reason, and lets those behind pass', async () => {
    const pacer = started()
    const log: string[] = []
    const heavy = new AbortController()
    send(pacer, log, 'burst', { messages: 9 })
    send(pacer, log, 'heavy', { messages: 9 }, 'a', heavy.signal)
    send(pacer, log, 'light')
    await advance(0)
    heavy.abort(new RangeError('given up'))
    await advance(0)
    expect(log).toEqual(['burst', 'heavy: RangeError', 'light'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('lets nobody overtake who was let pass by it', async () => {
    const pacer = started()
    const log: string[] = []
    const heavy = new AbortController()
    send(pacer, log, 'burst', { messages: 8 })
    send(pacer, log, 'heavy', { messages: 9 }, 'a', heavy.signal)
    send(pacer, log, 'second')
    heavy.abort(new RangeError('given up'))
    send(pacer, log, 'third')
    await advance(0)
    expect(log.filter((name) => !name.startsWith('heavy'))).toEqual(['burst', 'second', 'third'])
  })

  it('is let go of when the wait is over', async () => {
    const pacer = started()
    const { signal } = new AbortController()
    const remove = vi.spyOn(signal, 'removeEventListener')
    const add = vi.spyOn(signal, 'addEventListener')
    const log: string[] = []
    send(pacer, log, 'burst', { messages: 10 })
    send(pacer, log, 'waits', undefined, 'a', signal)
    expect(add).toHaveBeenCalledOnce()
    await advance(100)
    expect(log).toContain('waits')
    expect(remove).toHaveBeenCalledWith('abort', add.mock.calls[0]?.[1])
  })
})

describe('the quota', () => {
  it('is read anew at each decision, and what was sent stays counted', async () => {
    let quota: Quota | undefined = TEN
    const pacer = new OutboundPacer<string>(() => quota)
    pacer.start()
    const log: string[] = []
    send(pacer, log, 'burst', { messages: 10 })
    quota = { messagesPerSecond: 20, bytesPerSecond: 1_000 }
    send(pacer, log, 'more', { messages: 10 })
    await advance(0)
    expect(log).toEqual(['burst', 'more'])
    send(pacer, log, 'waits')
    quota = undefined
    send(pacer, log, 'after')
    await advance(50)
    expect(log).toEqual(['burst', 'more', 'waits', 'after'])
  })

  it.each([0, -1, Number.NaN, Infinity])('of %d messages a second counts as none', async (messagesPerSecond) => {
    const pacer = started({ messagesPerSecond, bytesPerSecond: 100 })
    await pacer.whenAllowed('a', { messages: 1e9 })
    await pacer.whenAllowed('a', { messages: 1e9, bytes: 100 })
    const log: string[] = []
    send(pacer, log, 'bytes', { bytes: 1 })
    await advance(9)
    expect(log).toEqual([])
    await advance(1)
    expect(log).toEqual(['bytes'])
  })

  it.each([5e-324, 1e-9, 1e308])('of %d messages a second neither spins nor hangs', async (messagesPerSecond) => {
    const pacer = started({ messagesPerSecond, bytesPerSecond: 100 }, { maxWaitMs: 50 })
    const log: string[] = []
    send(pacer, log, 'first')
    send(pacer, log, 'second')
    const timers = vi.spyOn(globalThis, 'setTimeout')
    await advance(60)
    expect(log).toHaveLength(2)
    expect(timers.mock.calls.length).toBeLessThan(3)
  })
})

describe('the pacer', () => {
  it('lets only pass what need not wait before it is started', async () => {
    const pacer = new OutboundPacer<string>(() => TEN)
    await pacer.whenAllowed('a', { messages: 10 })
    await expect(pacer.whenAllowed('a')).rejects.toMatchObject({ name: 'NotStartedError' })
  })

  it('fails who waits when it stops, has no timer left, and remembers what was sent when started again', async () => {
    const pacer = started()
    const log: string[] = []
    send(pacer, log, 'burst', { messages: 10 })
    send(pacer, log, 'waits')
    await advance(0)
    pacer.stop()
    pacer.stop()
    await advance(0)
    expect(log).toEqual(['burst', 'waits: AbortError'])
    expect(vi.getTimerCount()).toBe(0)
    pacer.start()
    send(pacer, log, 'again')
    await advance(99)
    expect(log).not.toContain('again')
    await advance(1)
    expect(log).toContain('again')
  })

  it('forgets a peer once nothing is owed and nobody waits', async () => {
    const pacer = started()
    await pacer.whenAllowed('a', { messages: 5 })
    await advance(499)
    pacer.sweep()
    expect(pacer.size).toBe(1)
    await advance(1)
    pacer.sweep()
    expect(pacer.size).toBe(0)
  })

  it('forgets a peer of which no quota is known any more, whatever it announced', async () => {
    const quotas = new Map<string, Quota>()
    const pacer = new OutboundPacer<string>((peer) => quotas.get(peer), { maxKeys: 1 })
    pacer.start()
    quotas.set('tiny', { messagesPerSecond: 1e-300, bytesPerSecond: 1e-300 })
    await pacer.whenAllowed('tiny')
    quotas.delete('tiny')
    quotas.set('honest', TEN)
    await pacer.whenAllowed('honest')
    expect(pacer.size).toBe(1)
  })

  it('keeps a peer for which somebody waits, though no quota is known any more', async () => {
    let quota: Quota | undefined = TEN
    const pacer = new OutboundPacer<string>(() => quota)
    pacer.start()
    const log: string[] = []
    send(pacer, log, 'burst', { messages: 10 })
    send(pacer, log, 'waits')
    quota = undefined
    pacer.sweep()
    expect(pacer.size).toBe(1)
    await advance(100)
    expect(log).toEqual(['burst', 'waits'])
  })

  it('goes by the quota of now, when it looks what is owed', async () => {
    let quota: Quota = { messagesPerSecond: 1e-300, bytesPerSecond: 1e-300 }
    const pacer = new OutboundPacer<string>(() => quota)
    await pacer.whenAllowed('a')
    quota = TEN
    await advance(100)
    pacer.sweep()
    expect(pacer.size).toBe(0)
  })

  it.each([{ messages: -1 }, { bytes: Number.NaN }, { streams: Infinity }])('refuses the cost %o', async (cost) => {
    await expect(started().whenAllowed('a', cost)).rejects.toThrow(RangeError)
  })
})

it('lets pass no more than burst + rate × w in any window w, each lane in order, and ends every wait', async () => {
  const rate = fc.double({ min: 0.5, max: 100, noNaN: true })
  const sends = fc.array(
    fc.record({
      messages: fc.nat(20),
      bytes: fc.nat(200),
      stepMs: fc.nat(400),
      isAborted: fc.boolean(),
      lane: fc.constantFrom(...LANES),
    }),
    { maxLength: 30 },
  )
  await fc.assert(
    fc.asyncProperty(rate, rate, fc.integer({ min: 1, max: 3_000 }), sends, async (messages, bytes, burstMs, all) => {
      const quota = { messagesPerSecond: messages, bytesPerSecond: bytes }
      const pacer = started(quota, { outboundBurstMs: burstMs, maxWaitMs: 5_000 })
      const passed: (Pass & { index: number; lane: Lane })[] = []
      let ended = 0
      for (const [index, given] of all.entries()) {
        const controller = new AbortController()
        pacer
          .whenAllowed('a', given, { signal: controller.signal, lane: given.lane })
          .then(
            () => passed.push({ index, atMs: performance.now(), streams: 0, ...given }),
            () => undefined,
          )
          .finally(() => (ended += 1))
        await advance(given.stepMs)
        if (given.isAborted) controller.abort()
      }
      await advance(5_000)
      expect(ended).toBe(all.length)
      expect(vi.getTimerCount()).toBe(0)
      for (const each of LANES) {
        const order = passed.filter(({ lane }) => lane === each).map(({ index }) => index)
        expect(order).toEqual(order.toSorted((a, b) => a - b))
      }
      for (const isCritical of [true, false]) {
        const share = passed.filter(({ lane }) => (lane === 'critical') === isCritical)
        expect([
          ...excesses(share, 'messages', messages, (messages * burstMs) / 1_000, 'largest cost may exceed'),
          ...excesses(share, 'bytes', bytes, (bytes * burstMs) / 1_000, 'largest cost may exceed'),
        ]).toEqual([])
      }
    }),
    { numRuns: 60 },
  )
})

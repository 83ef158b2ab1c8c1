import { ByteBudget } from '@gridmesh/chunking'
import type { Lane } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HandlerContext } from '../src/handler-context.ts'
import { SharedBudget } from '../src/shared-budget.ts'
import { UnaryJob } from '../src/unary-job.ts'
import { UnreadMeter } from '../src/unread-meter.ts'
import { encodeCall, encodeName, TYPE } from '../src/wire.ts'
import { bytes, frames, gate, heldBytes, type Node, node, peerManagerStub, raw, text } from './helpers.ts'

const KIB = 1_024
const MESSAGE = 200 * KIB
const peers = peerManagerStub()

function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`there is no element ${index}`)
  return item
}

/** One node with little memory, and three that ask it. */
let hub: Node
let asking: [Node, Node, Node]

beforeEach(async () => {
  peers.reports.length = 0
  const init = {
    maxMessageBytes: MESSAGE,
    maxHeldBytesPerPeer: 300 * KIB,
    maxHeldBytes: 400 * KIB,
    maxPartialBytesPerPeer: 300 * KIB,
    maxPartialBytes: 400 * KIB,
    maxUnreadBytesInAll: 700 * KIB,
    busyRetryAfterMs: 77,
  }
  hub = await node(init, { peerManager: peers })
  asking = [await node(), await node(), await node()]
  for (const each of asking) await each.dial(hub.getMultiaddrs())
  hub.services.unicast.handle('echo', (question) => question)
})

afterEach(async () => {
  for (const each of [...asking, hub]) await each.stop()
})

const ask = (from: Node, name: string, size: number, lane: Lane = 'normal'): Promise<Uint8Array> =>
  from.services.unicast.request(hub.peerId, name, new Uint8Array(size), { lane })

describe('calls of many peers', () => {
  it('are refused beyond maxHeldBytes though none is over its own share, but critical ones', async () => {
    const { promise, resolve } = gate()
    hub.services.unicast.handle('test', () => promise)
    const taken = asking.slice(0, 2).map((from) => ask(from, 'test', 190 * KIB))
    await vi.waitFor(() => expect(heldBytes(hub)).toBe(380 * KIB))
    await expect(ask(asking[2], 'test', 30 * KIB)).rejects.toMatchObject({
      name: 'BusyError',
      limit: 'maxHeldBytes',
      value: 400 * KIB,
      retryAfterMs: 77,
    })
    const critical = ask(asking[2], 'test', 30 * KIB, 'critical')
    await vi.waitFor(() => expect(heldBytes(hub)).toBe(410 * KIB))
    resolve()
    await Promise.all([...taken, critical])
    expect((await ask(asking[2], 'echo', 190 * KIB)).byteLength).toBe(190 * KIB)
    expect([heldBytes(hub), peers.reports]).toEqual([0, []])
  })

  it('are refused beyond the share of one peer, but critical ones, which have a share of their own', async () => {
    const { promise, resolve } = gate()
    hub.services.unicast.handle('test', () => promise)
    const bulk = [150, 140].map((kib) => ask(asking[0], 'test', kib * KIB, 'bulk'))
    await vi.waitFor(() => expect(heldBytes(hub)).toBe(290 * KIB))
    const refusal = { name: 'BusyError', limit: 'maxHeldBytesPerPeer', value: 300 * KIB }
    await expect(ask(asking[0], 'test', 20 * KIB, 'high')).rejects.toMatchObject(refusal)
    const critical = [150, 140].map((kib) => ask(asking[0], 'test', kib * KIB, 'critical'))
    await vi.waitFor(() => expect(heldBytes(hub)).toBe(580 * KIB))
    await expect(ask(asking[0], 'test', 20 * KIB, 'critical')).rejects.toMatchObject(refusal)
    resolve()
    await Promise.all([...bulk, ...critical])
    expect([heldBytes(hub), peers.reports]).toEqual([0, []])
  })

  it('end where a streamed item finds maxHeldBytes taken', async () => {
    const { promise, resolve } = gate()
    hub.services.unicast.handle('test', () => promise)
    hub.services.unicast.handleStream('stall', async function* stall(source) {
      await promise
      yield* source
    })
    const taken = asking.slice(0, 2).map((from) => ask(from, 'test', 190 * KIB))
    await vi.waitFor(() => expect(heldBytes(hub)).toBe(380 * KIB))
    async function* items(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(30 * KIB)
    }
    const answers = asking[2].services.unicast.requestStream(hub.peerId, 'stall', items())
    await expect(answers[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'queue-full',
      limit: 'maxHeldBytes',
      value: 400 * KIB,
    })
    resolve()
    await Promise.all(taken)
  })
})

/** A question that takes several frames, of which the tests send the first. */
const large = (size: number) => encodeCall(TYPE.request, 1, 10_000, undefined, encodeName('echo'), new Uint8Array(size))

describe('messages of which a part has come', () => {
  it('are refused beyond maxPartialBytes, and nobody is blamed who is within his own share', async () => {
    for (const from of asking.slice(0, 2)) {
      const stream = await raw(from, hub, 'normal')
      stream.send(frames()(large(190 * KIB)))
    }
    await vi.waitFor(() => expect(heldBytes(hub)).toBeGreaterThan(380 * KIB))
    await expect(ask(asking[2], 'echo', 150 * KIB)).rejects.toMatchObject({
      name: 'MessageRefusedError',
      code: 'too-many-bytes',
    })
    expect(peers.reports).toEqual([])
    expect((await ask(asking[2], 'echo', 150 * KIB, 'critical')).byteLength).toBe(150 * KIB)
  })

  it('take no room for what is announced and does not come', async () => {
    for (const from of asking.slice(0, 2)) {
      const stream = await raw(from, hub, 'normal')
      const first = frames()(large(190 * KIB))
      // Flags, id, total and length, and one byte for all that the length says.
      stream.send(Uint8Array.of(1, 0, ...first.subarray(2, 5), 1, 0))
    }
    await vi.waitFor(() => expect(heldBytes(hub)).toBeGreaterThan(1))
    expect((await ask(asking[2], 'echo', 190 * KIB)).byteLength).toBe(190 * KIB)
  })

  it('take no room of the critical ones of the same peer', async () => {
    const stream = await raw(asking[0], hub, 'normal')
    stream.send(frames()(large(190 * KIB)))
    await vi.waitFor(() => expect(heldBytes(hub)).toBeGreaterThan(190 * KIB))
    expect((await ask(asking[0], 'echo', 190 * KIB, 'critical')).byteLength).toBe(190 * KIB)
    expect(peers.reports).toEqual([])
  })

  it('are refused beyond the share of one peer, who is blamed', async () => {
    const encode = frames()
    const stream = await raw(asking[0], hub, 'normal')
    stream.send(encode(large(190 * KIB)))
    const other = await raw(asking[0], hub, 'high')
    other.send(frames()(large(190 * KIB)))
    await vi.waitFor(() => expect(peers.reports).toMatchObject([{ class: 'rate-limited' }]))
  })
})

describe('answers that are not read', () => {
  it('give way to an error beyond maxUnreadBytesInAll, but critical ones, and cost who has most of them its stream', async () => {
    hub.services.unicast.handle('large', () => new Uint8Array(150 * KIB))
    const silent = await raw(asking[0], hub, 'normal')
    silent.pause()
    const encode = frames()
    let id = 0
    await vi.waitFor(async () => {
      // What the window of the stream takes makes room again, so it is asked for more than once.
      const requests = Array.from({ length: 7 }, () =>
        encodeCall(TYPE.request, id++, 10_000, undefined, encodeName('large'), bytes('')),
      )
      silent.send(encode(...requests))
      await expect(ask(asking[0], 'large', 1, 'high')).rejects.toMatchObject({
        code: 'queue-full',
        limit: 'maxUnreadBytesInAll',
        value: 700 * KIB,
      })
    })
    expect((await ask(asking[0], 'large', 1, 'critical')).byteLength).toBe(150 * KIB)
    // A small answer still fits.
    expect((await ask(asking[1], 'echo', 10)).byteLength).toBe(10)
    expect(silent.status).toBe('open')
    // Whoever has left less unread has a large one too.
    expect((await ask(asking[1], 'large', 1)).byteLength).toBe(150 * KIB)
    await vi.waitFor(() => expect(silent.status).toBe('reset'))
    expect((await ask(asking[0], 'large', 1, 'high')).byteLength).toBe(150 * KIB)
    expect(peers.reports).toEqual([])
  })
})

describe('our own calls', () => {
  it('fail beyond maxAskedBytes, whomever they go to, but critical ones', async () => {
    const caller = await node({ maxMessageBytes: MESSAGE, maxAskedBytes: 250 * KIB })
    const { promise, resolve } = gate()
    try {
      await caller.dial(hub.getMultiaddrs())
      await caller.dial(asking[0].getMultiaddrs())
      hub.services.unicast.handle('test', () => promise)
      const send = (to: Node, lane: Lane = 'normal') =>
        caller.services.unicast.send(to.peerId, 'test', new Uint8Array(130 * KIB), { lane })
      const first = send(hub)
      await expect(send(asking[0])).rejects.toMatchObject({
        name: 'QueueFullError',
        limit: 'maxAskedBytes',
        value: 250 * KIB,
        lane: 'normal',
      })
      const critical = send(hub, 'critical')
      resolve()
      await Promise.all([first, critical])
      await send(hub)
      expect(heldBytes(caller)).toBe(0)
    } finally {
      await caller.stop()
    }
  })
})

describe('a shared budget', () => {
  it('never lets anybody, nor all together, hold more than their limit, and loses no byte', () => {
    const step = fc.record({ who: fc.nat(2), bytes: fc.nat(80), isRelease: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const all = new ByteBudget(200)
        const own = [0, 1, 2].map(() => new ByteBudget(100))
        const shared = own.map((budget) => new SharedBudget({ limit: 'each', budget }, { limit: 'all', budget: all }))
        const taken: number[][] = [[], [], []]
        for (const { who, bytes: size, isRelease } of steps) {
          const budget = at(shared, who)
          const held = at(taken, who)
          const isOverOwn = budget.used + size > 100
          const isOverAll = all.used + size > 200
          const isTaken = !isRelease && budget.tryTake(size)
          if (isRelease) budget.release(held.pop() ?? 0)
          if (isTaken) held.push(size)
          expect(isRelease || isTaken === !(isOverOwn || isOverAll)).toBe(true)
          const expected = isOverOwn ? { limit: 'each', value: 100 } : { limit: 'all', value: 200 }
          expect(isRelease || isTaken ? expected : budget.refusal).toEqual(expected)
          expect(isRelease || isTaken || budget.isCrowded === !isOverOwn).toBe(true)
          const sums = taken.map((list) => list.reduce((sum, one) => sum + one, 0))
          expect(own.map(({ used }) => used)).toEqual(sums)
          expect(all.used).toBe(sums.reduce((sum, one) => sum + one, 0))
          expect(all.used).toBeLessThanOrEqual(200)
        }
      }),
    )
  })
})

const queue = (peer: string, queuedBytes: number) => ({ peer, queuedBytes, abort: () => undefined })

describe('the meter of what is not read', () => {
  it('knows of room that came without a word, and of none that did not', () => {
    const [one, other] = [queue('a', 80), queue('b', 20)]
    const meter = new UnreadMeter(100)
    meter.note(one)
    meter.note(other)
    expect([meter.hasRoom(0), meter.hasRoom(1)]).toEqual([true, false])
    one.queuedBytes = 30
    expect([meter.hasRoom(50), meter.hasRoom(51)]).toEqual([true, false])
    meter.forget(other)
    meter.forget(other)
    expect([meter.hasRoom(70), meter.hasRoom(71)]).toEqual([true, false])
  })

  it('names the largest queue of the peer with the most, and none where nobody has more than who asks would', () => {
    const sizes = fc.array(fc.record({ peer: fc.constantFrom('a', 'b', 'c'), size: fc.nat(100) }), { maxLength: 12 })
    fc.assert(
      fc.property(sizes, fc.nat(100), (list, asked) => {
        const meter = new UnreadMeter(1)
        const queues = list.map(({ peer, size }) => queue(peer, size))
        for (const each of queues) meter.note(each)
        const of = (peer: string): number[] =>
          queues.filter((each) => each.peer === peer).map((each) => each.queuedBytes)
        const sum = (peer: string): number => of(peer).reduce((total, size) => total + size, 0)
        const most = Math.max(sum('b'), sum('c'))
        const found = meter.toGiveWay('a', asked)
        expect(found != null).toBe(most > sum('a') + asked)
        if (found == null) return
        expect([sum(found.peer), found.queuedBytes]).toEqual([most, Math.max(...of(found.peer))])
      }),
    )
  })
})

it('lets go of the bytes of a call that was given up while it waited, though it keeps its place in the queue', () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const owner = { onDone: () => undefined }
  const context = new HandlerContext(hub.peerId, 'normal', Number.POSITIVE_INFINITY)
  const make = (): [UnaryJob, WeakRef<ArrayBufferLike>] => {
    const payload = new Uint8Array(MESSAGE)
    const call = { id: 1, key: undefined, isOneWay: false, receiptDelayMs: 0, graceMs: 1_000 }
    return [new UnaryJob(owner, (question) => question, context, call, payload), new WeakRef(payload.buffer)]
  }
  return new Promise<void>((resolve, reject) => {
    const [job, held] = make()
    job.abandon(new RangeError('the caller gave up'))
    // A weak reference holds on until the end of the turn in which it was made.
    setImmediate(() => {
      collect()
      try {
        expect(held.deref()).toBeUndefined()
        expect(job.isOver).toBe(true)
        resolve()
      } catch (err) {
        reject(err instanceof Error ? err : new TypeError(text(bytes(String(err)))))
      }
    })
  })
})

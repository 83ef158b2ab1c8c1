import { setImmediate } from 'node:timers/promises'
import type { LoadLevel, MessageContext } from '@gridmesh/interfaces'
import { expect, it, vi } from 'vitest'
import { bytesCodec, defineRequest } from '../src/index.ts'
import { FakeNetwork } from './support/fake-network.ts'
import { alarm, archive, order, quote, startNode, startPair, vote } from './support/setup.ts'

const gate = (): PromiseWithResolvers<void> => Promise.withResolvers<void>()

it('resolves a send when the message is queued, before its handler has run', async () => {
  const [alice, bob] = await startPair()
  const received = Promise.withResolvers<[number, MessageContext]>()
  bob.router.on(order, ({ price }, context) => received.resolve([price, context]))
  const receipt = await alice.router.send(bob.peerId, order, { price: 3 })
  expect(receipt).toMatchObject({ attempts: 1 })
  expect(bob.router.stats().queued.normal).toBe(1)
  expect(bob.router.queueDepth?.()).toBe(1)
  const [price, context] = await received.promise
  expect(price).toBe(3)
  expect(context).toMatchObject({ kind: 'order', lane: 'normal', via: 'unicast' })
  expect(context.sender.equals(alice.peerId)).toBe(true)
})

it('answers a request with what its handler returns', async () => {
  const [alice, bob] = await startPair()
  bob.router.respond(quote, async ({ price }) => ({ price: price * 2 }))
  expect(await alice.router.request(bob.peerId, quote, { price: 21 })).toEqual({ price: 42 })
  expect(bob.router.stats().peers.get(alice.peerId.toString())?.get('quote')).toMatchObject({ in: 1, out: 1 })
  expect(alice.router.stats().peers.get(bob.peerId.toString())?.get('quote')).toMatchObject({ out: 1 })
})

it('answers requests over an asynchronous signer too', async () => {
  const [alice, bob] = await startPair({ isAsync: true })
  bob.router.respond(quote, ({ price }) => ({ price: price + 1 }))
  const prices = Array.from({ length: 20 }, (_, price) => price)
  const answers = await Promise.all(prices.map((price) => alice.router.request(bob.peerId, quote, { price })))
  expect(answers.map(({ price }) => price)).toEqual(prices.map((price) => price + 1))
})

it('tells the caller the code and message of an error of the handler, and counts it', async () => {
  const [alice, bob] = await startPair()
  bob.router.respond(quote, () => {
    throw Object.assign(new TypeError('market is closed'), { code: 'closed' })
  })
  await expect(alice.router.request(bob.peerId, quote, { price: 1 })).rejects.toMatchObject({
    code: 'closed',
    message: 'market is closed',
  })
  expect(bob.router.stats().kinds.get('quote')?.errors).toEqual({ 'handler-threw': 1 })
  expect(bob.refused).toEqual([])
  expect(bob.peerManager.reports).toEqual([])
})

it('counts a one-way handler that throws or rejects, and goes on with the next message', async () => {
  const [alice, bob] = await startPair()
  const prices: number[] = []
  bob.router.on(vote, ({ price }) => {
    if (price === 1) throw new TypeError('at once')
    prices.push(price)
    return price === 2 ? Promise.reject(new TypeError('later')) : undefined
  })
  for (const price of [1, 2, 3]) await alice.router.send(bob.peerId, vote, { price })
  await vi.waitFor(() => expect(prices).toEqual([2, 3]))
  expect(bob.router.stats().kinds.get('vote')?.errors).toEqual({ 'handler-threw': 2 })
})

it('counts a handler that throws what cannot be made a string, and goes on with the next message', async () => {
  const unhandled = vi.fn<() => void>()
  process.on('unhandledRejection', unhandled)
  try {
    const [alice, bob] = await startPair()
    const prices: number[] = []
    bob.router.on(vote, async ({ price }) => {
      prices.push(price)
      if (price === 1) throw Object.create(null)
    })
    for (const price of [1, 2]) await alice.router.send(bob.peerId, vote, { price })
    await vi.waitFor(() => expect(prices).toEqual([1, 2]))
    await setImmediate()
    expect(unhandled).not.toHaveBeenCalled()
    expect(bob.router.stats().kinds.get('vote')?.errors).toEqual({ 'handler-threw': 1 })
  } finally {
    process.off('unhandledRejection', unhandled)
  }
})

it('refuses with queue-full when the lane of the message is full, and blames nobody', async () => {
  const [alice, bob] = await startPair({ maxQueued: { high: 1 } })
  bob.router.on(vote, () => {})
  bob.router.on(alarm, () => {})
  await alice.router.send(bob.peerId, vote, { price: 1 })
  await expect(alice.router.send(bob.peerId, vote, { price: 2 })).rejects.toMatchObject({ code: 'queue-full' })
  await alice.router.send(bob.peerId, alarm, { price: 3 })
  expect(bob.dropped).toEqual([{ kind: '?', lane: 'high', reason: 'queue-full' }])
  expect(bob.peerManager.reports).toEqual([])
})

it('displaces a waiting request of a lower lane for a critical message, and tells its caller', async () => {
  const [alice, bob] = await startPair({ maxQueuedBytes: 65_536 })
  const large = defineRequest({ kind: 'large', codec: bytesCodec, reply: bytesCodec, lane: 'bulk' })
  const hanging = { ...alarm, kind: 'big-alarm', codec: bytesCodec }
  bob.router.respond(large, (value) => value)
  bob.router.on(hanging, () => {})
  const displaced = Promise.allSettled([alice.router.request(bob.peerId, large, new Uint8Array(60_000))])
  await alice.router.send(bob.peerId, hanging, new Uint8Array(60_000))
  expect(await displaced).toMatchObject([{ reason: { code: 'queue-full' } }])
  expect(bob.dropped).toEqual([{ kind: 'large', lane: 'bulk', reason: 'evicted' }])
})

it('refuses with busy while the node sheds the lane', async () => {
  const [alice, bob] = await startPair()
  bob.health.load = 'busy'
  bob.router.on(archive, () => {})
  bob.router.on(order, () => {})
  await expect(alice.router.send(bob.peerId, archive, { price: 1 })).rejects.toMatchObject({ code: 'busy' })
  await alice.router.send(bob.peerId, order, { price: 1 })
})

it.each([
  ['busy', archive, 'bulkMessagesWhileBusy'],
  ['overloaded', order, 'normalMessagesWhileOverloaded'],
] as const)(
  'tells a sender that finds it %s what it takes of the lane, and when to try again',
  async (load, kind, limit) => {
    const [alice, bob] = await startPair({ busyRetryAfterMs: 250 })
    bob.health.load = load
    bob.router.on(kind, () => {})
    await expect(alice.router.send(bob.peerId, kind, { price: 1 })).rejects.toMatchObject({
      code: 'busy',
      limit,
      value: 0,
      retryAfterMs: 250,
    })
  },
)

it.each([false, true])('seals a request anew that is made again, the signer asynchronous: %s', async (isAsync) => {
  const [alice, bob] = await startPair({ isAsync })
  let runs = 0
  bob.router.respond(quote, ({ price }) => {
    runs++
    if (runs === 1) throw Object.assign(new RangeError('not yet'), { code: 'warming-up', retryAfterMs: 1 })
    return { price: price * 2 }
  })
  const value = { price: 21 }
  const answer = alice.router.request(bob.peerId, quote, value, { idempotent: true })
  value.price = 0
  expect(await answer).toEqual({ price: 42 })
  expect(runs).toBe(2)
})

it('seals a message anew that was refused for a load which rose after it was opened', async () => {
  const [alice, bob] = await startPair()
  const loads: LoadLevel[] = ['normal', 'overloaded']
  Object.defineProperty(bob.health, 'load', { get: () => loads.shift() ?? 'normal' })
  const prices: number[] = []
  bob.router.on(order, ({ price }) => void prices.push(price))
  await alice.router.send(bob.peerId, order, { price: 1 }, { idempotent: true })
  await vi.waitFor(() => expect(prices).toEqual([1]))
  expect(bob.dropped).toEqual([{ kind: 'order', lane: 'normal', reason: 'shed' }])
})

it('lets the lane of the kind decide, whatever lane the carrier says', async () => {
  const [alice, bob] = await startPair()
  bob.health.load = 'busy'
  bob.router.on(archive, () => {})
  const disguised = { ...archive, lane: 'critical' as const }
  await expect(alice.router.send(bob.peerId, disguised, { price: 1 })).rejects.toMatchObject({ code: 'busy' })
})

it('tells the sender that its message was ignored, and blames nobody', async () => {
  const [alice, bob] = await startPair()
  bob.router.on(order, () => {}, { validate: () => 'ignore' })
  await expect(alice.router.send(bob.peerId, order, { price: 1 })).rejects.toMatchObject({ code: 'ignored' })
  expect(bob.peerManager.reports).toEqual([])
})

it('keeps one-way messages and requests apart', async () => {
  const [alice, bob] = await startPair()
  bob.router.on(order, () => {})
  bob.router.respond(quote, (value) => value)
  await expect(alice.router.send(bob.peerId, quote, { price: 1 })).rejects.toMatchObject({ code: 'unknown-kind' })
  const asked = { ...quote, kind: 'order' }
  await expect(alice.router.request(bob.peerId, asked, { price: 1 })).rejects.toMatchObject({ code: 'unknown-kind' })
})

it('aborts the signal of a request, and drops it if it still waits, when its caller gives up', async () => {
  const [alice, bob] = await startPair({ maxRunning: { normal: 1 } })
  const started = gate()
  const aborted = gate()
  let runs = 0
  bob.router.respond(quote, (value, { signal }) => {
    runs++
    signal.addEventListener('abort', () => aborted.resolve())
    started.resolve()
    return aborted.promise.then(() => value)
  })
  const abort = new AbortController()
  const calls = [1, 2].map((price) => alice.router.request(bob.peerId, quote, { price }, { signal: abort.signal }))
  const outcome = Promise.allSettled(calls)
  await started.promise
  abort.abort()
  await outcome
  await vi.waitFor(() => expect(bob.dropped).toEqual([{ kind: 'quote', lane: 'normal', reason: 'cancelled' }]))
  expect(runs).toBe(1)
})

it('gives up on a handler that hangs, frees its place and answers with an error', async () => {
  const [alice, bob] = await startPair({ maxRunning: { normal: 1 }, handlerTimeoutMs: 20 })
  const aborted = gate()
  bob.router.respond(quote, (_, { signal }) => {
    signal.addEventListener('abort', () => aborted.resolve())
    return new Promise(() => {})
  })
  const prices: number[] = []
  bob.router.on(order, ({ price }) => void prices.push(price))
  const hanging = alice.router.request(bob.peerId, quote, { price: 1 })
  await alice.router.send(bob.peerId, order, { price: 2 })
  await expect(hanging).rejects.toThrow('handlerTimeoutMs')
  await aborted.promise
  await vi.waitFor(() => expect(prices).toEqual([2]))
  expect(bob.router.stats().kinds.get('quote')?.errors).toEqual({ 'handler-timeout': 1 })
})

it('refuses an answer over maxReplyBytes on the way out', async () => {
  const [alice, bob] = await startPair({ maxReplyBytes: 100 })
  const blob = defineRequest({ kind: 'blob', codec: bytesCodec, reply: bytesCodec })
  bob.router.respond(blob, ([size = 0]) => new Uint8Array(size))
  expect(await alice.router.request(bob.peerId, blob, new Uint8Array([100]))).toHaveLength(100)
  await expect(alice.router.request(bob.peerId, blob, new Uint8Array([101]))).rejects.toMatchObject({
    code: 'too-large',
    limit: 'maxReplyBytes',
    value: 100,
  })
})

it('takes a lane again that was full, under the same seal', async () => {
  const network = new FakeNetwork()
  const bob = await startNode({ network, maxQueued: { high: 1 } })
  const alice = await startNode({ network })
  const prices: number[] = []
  bob.router.on(vote, ({ price }) => void prices.push(price))
  await alice.router.send(bob.peerId, vote, { price: 1 })
  const take = vi.spyOn(bob.carriers, 'take')
  await expect(alice.router.send(bob.peerId, vote, { price: 2 })).rejects.toMatchObject({
    code: 'queue-full',
    limit: 'maxQueued.high',
    value: 1,
  })
  await vi.waitFor(() => expect(prices).toEqual([1]))
  const [from, name, bytes, options] = take.mock.calls[0] ?? []
  if (from == null || name == null || bytes == null) throw new RangeError('nothing was sent')
  await bob.carriers.take(from, name, bytes, options)
  await vi.waitFor(() => expect(prices).toEqual([1, 2]))
})

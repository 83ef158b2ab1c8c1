import { queryObjects } from 'node:v8'
import type { Delivery, MessageContext, PublishOptions, Verdict } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { batchKey } from '../src/batch-key.ts'
import { defineMessage } from '../src/kind.ts'
import { decodeBatch } from '../src/wire.ts'
import { alarm, archive, order, orderCodec, randomPeerId, startNode, startPair, vote } from './support/setup.ts'
import { FakeEnvelope } from './support/fake-envelope.ts'

afterEach(() => void vi.useRealTimers())

it('brings a value to the handler of its kind, with author, carrier and lane', async () => {
  const [alice, bob] = await startPair()
  const received = Promise.withResolvers<[number, MessageContext]>()
  bob.router.on(vote, ({ price }, context) => received.resolve([price, context]))
  const delivery = await alice.router.broadcast(vote, { price: 7 })
  expect(delivery.id).toBe('1')
  const [price, context] = await received.promise
  expect(price).toBe(7)
  expect(context).toMatchObject({ sequence: 1n, timeMs: 1_000, kind: 'vote', lane: 'high', via: 'broadcast' })
  expect(context.sender.equals(alice.peerId)).toBe(true)
  expect(context.from.equals(alice.peerId)).toBe(true)
  expect(alice.carriers.published[0]).toMatchObject({ topic: 'vote', options: { lane: 'high' } })
})

it('tells the carrier the lane of a kind, which is not for its messages to say', async () => {
  const { router, carriers } = await startNode()
  router.on(alarm, () => {})
  router.on(order, () => {})
  expect(carriers.lanes.get('alarm')).toBe('critical')
  expect(carriers.lanes.get('order')).toBe('normal')
})

it('sends normal messages that come together in one envelope, and its callers share one delivery', async () => {
  const [alice, bob] = await startPair()
  const prices: number[] = []
  bob.router.on(order, ({ price }) => void prices.push(price))
  const deliveries = await Promise.all([1, 2, 3].map((price) => alice.router.broadcast(order, { price })))
  expect(new Set(deliveries).size).toBe(1)
  expect(alice.carriers.published).toHaveLength(1)
  await vi.waitFor(() => expect(prices).toEqual([1, 2, 3]))
})

/** A delivery to peers of these states, of which `confirmed` is told how many are waited for. */
const deliveryTo =
  (statuses: readonly ('sent' | 'seen' | 'dropped')[], confirmed: (k: number) => Promise<number>) =>
  (id: string): Delivery => ({
    id,
    peers: new Map(
      statuses.map((status, i) => [`peer ${i}`, status === 'dropped' ? { status, reason: 'no' } : { status }]),
    ),
    successRate: 1,
    confirmed,
  })

it.each([
  [['sent', 'sent', 'sent', 'dropped'], 2],
  [['sent', 'seen'], 1],
] as const)('holds the next batch until half of those that were handed it have it: of %j, %s', async (peers, half) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const [alice] = await startPair({ batchDelayMs: 1, maxBatchHoldMs: 60_000 })
  const asked: number[] = []
  const landed = Promise.withResolvers<number>()
  alice.carriers.delivery = deliveryTo(peers, (k) => {
    asked.push(k)
    return landed.promise
  })
  const first = alice.router.broadcast(order, { price: 1 })
  await vi.advanceTimersByTimeAsync(1)
  await first
  const second = alice.router.broadcast(order, { price: 2 })
  // Up to the last moment at which it may be held.
  await vi.advanceTimersByTimeAsync(59_999)
  expect(asked).toEqual([half])
  expect(alice.carriers.published).toHaveLength(1)
  landed.resolve(half)
  await second
  expect(alice.carriers.published).toHaveLength(2)
})

it.each([[['dropped']], [[]]] as const)('holds no batch after one that was handed to nobody: %j', async (peers) => {
  const [alice] = await startPair({ batchDelayMs: 1, maxBatchHoldMs: 60_000 })
  alice.carriers.delivery = deliveryTo(peers, () => Promise.withResolvers<number>().promise)
  await alice.router.broadcast(order, { price: 1 })
  await alice.router.broadcast(order, { price: 2 })
  expect(alice.carriers.published).toHaveLength(2)
})

it('gathers what comes sooner than the pace of its kind', async () => {
  const [alice] = await startPair({ batchDelayMs: 1 })
  const slow = defineMessage({ kind: 'slow', codec: orderCodec, paceMs: 60_000 })
  await alice.router.broadcast(slow, { price: 1 })
  const rest = [alice.router.broadcast(slow, { price: 2 })]
  await alice.router.broadcast(order, { price: 9 })
  await new Promise((resolve) => setTimeout(resolve, 5))
  rest.push(alice.router.broadcast(slow, { price: 3 }))
  expect(alice.carriers.published.map(({ topic }) => topic)).toEqual(['slow', 'order'])
  await alice.router.stop()
  await Promise.all(rest)
  expect(alice.carriers.published.map(({ topic }) => topic)).toEqual(['slow', 'order', 'slow'])
})

it.each([alarm, vote, archive])('sends a message of lane $lane at once and alone', async (kind) => {
  const [alice] = await startPair()
  const deliveries = Promise.all([
    alice.router.broadcast(kind, { price: 1 }),
    alice.router.broadcast(kind, { price: 2 }),
  ])
  await deliveries
  expect(alice.carriers.published).toHaveLength(2)
})

it('sends every message at once when batchDelayMs is 0', async () => {
  const [alice] = await startPair({ batchDelayMs: 0 })
  await Promise.all([1, 2].map((price) => alice.router.broadcast(order, { price })))
  expect(alice.carriers.published).toHaveLength(2)
})

it('never puts messages that are published differently into one batch', async () => {
  const [alice] = await startPair()
  const [a, b] = [await randomPeerId(), await randomPeerId()]
  await Promise.all([
    alice.router.broadcast(order, { price: 1 }),
    alice.router.broadcast(order, { price: 2 }, { strategy: 'flood' }),
    alice.router.broadcast(order, { price: 3 }, { strategy: 'directed', to: [a, b] }),
    alice.router.broadcast(order, { price: 4 }, { strategy: 'directed', to: [b, a] }),
    alice.router.broadcast(order, { price: 5 }, { strategy: 'directed', to: [a] }),
    alice.router.broadcast(order, { price: 6 }, { strategy: 'directed', to: { role: 'authority' } }),
  ])
  const ways = alice.carriers.published.map(({ options: { strategy = 'default', to } }) => {
    return `${strategy} ${Array.isArray(to) ? to.length : (to?.role ?? 'all')}`
  })
  expect(ways.toSorted((one, other) => one.localeCompare(other))).toEqual([
    'default all',
    'directed 1',
    'directed 2',
    'directed authority',
    'flood all',
  ])
})

const key = (to: PublishOptions['to']): string => batchKey('order', to == null ? {} : { to })

it('names batches by every condition of a query, in whatever order it is written', () => {
  expect(key({ role: 'a', region: 'b' })).toBe(key({ region: 'b', role: 'a' }))
  expect(key({ capabilities: ['x', 'y'] })).toBe(key({ capabilities: ['y', 'x'] }))
  const different = [undefined, {}, { role: 'a' }, { region: 'a' }, { minHeight: 1 }, { limit: 1 }, []]
  expect(new Set(different.map(key)).size).toBe(different.length)
})

it('refuses a value over maxBytes, and one that does not encode, before anything is sent', async () => {
  const [alice] = await startPair()
  const small = { ...order, kind: 'small', maxBytes: 11 }
  await alice.router.broadcast(small, { price: 1 })
  await expect(alice.router.broadcast(small, { price: 10 })).rejects.toMatchObject({
    name: 'MessageTooLargeError',
    bytes: 12,
    limit: 'maxBytes.small',
    value: 11,
  })
  await expect(alice.router.broadcast({ ...order, maxBytes: -1 }, { price: 1 })).rejects.toThrow(RangeError)
  expect(alice.carriers.published).toHaveLength(1)
})

it('sends nothing for a caller who has aborted', async () => {
  const [alice] = await startPair()
  const signal = AbortSignal.abort(new TypeError('no more'))
  await expect(alice.router.broadcast(order, { price: 1 }, { signal })).rejects.toThrow('no more')
  await expect(alice.router.broadcast(vote, { price: 1 }, { signal })).rejects.toThrow('no more')
  expect(alice.carriers.published).toEqual([])
})

it('keeps the order of a sender and kind with an asynchronous signer that is done in another order', async () => {
  const [alice, bob] = await startPair({ isAsync: true })
  const prices: number[] = []
  bob.router.on(vote, ({ price }) => void prices.push(price))
  const expected = Array.from({ length: 25 }, (_, price) => price)
  await Promise.all(expected.map((price) => alice.router.broadcast(vote, { price })))
  expect(alice.carriers.published.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)).sequence)).toEqual(
    expected.map((price) => String(price + 1)),
  )
  await vi.waitFor(() => expect(prices.toSorted((a, b) => a - b)).toEqual(expected))
})

it('gives its verdict at once where the envelope is synchronous', async () => {
  const [alice, bob] = await startPair()
  bob.router.on(vote, () => {})
  await alice.router.broadcast(vote, { price: 1 })
  const handler = bob.carriers.topics.get('vote')
  const sealed = alice.carriers.published[0]?.bytes ?? new Uint8Array()
  const context = { from: alice.peerId, topic: 'vote', id: '', via: 'gossip' as const }
  expect(handler?.(sealed, context)).toBe('ignore')
  expect(handler?.(new Uint8Array([1]), context)).toBe('reject')
})

const cases: [Verdict[], Verdict, number[]][] = [
  [['accept', 'accept'], 'accept', [0, 1]],
  [['accept', 'ignore'], 'accept', [0]],
  [['ignore', 'ignore'], 'ignore', []],
  [['accept', 'reject'], 'reject', []],
  [['reject', 'ignore'], 'reject', []],
]
it.each(cases)('answers a batch judged %j with %s', async (verdicts, expected, handled) => {
  const [alice, bob] = await startPair()
  const prices: number[] = []
  bob.router.on(order, ({ price }) => void prices.push(price), {
    validate: ({ price }) => verdicts[price] ?? 'ignore',
  })
  await Promise.all(verdicts.map((_, price) => alice.router.broadcast(order, { price })))
  expect(bob.carriers.verdicts).toEqual([expected])
  await vi.waitFor(() => expect(prices).toEqual(handled))
})

it('relays what it has no room for, and counts it as dropped', async () => {
  const [alice, bob] = await startPair({ maxQueued: { high: 1 } })
  const prices: number[] = []
  bob.router.on(vote, ({ price }) => void prices.push(price))
  await Promise.all([1, 2, 3].map((price) => alice.router.broadcast(vote, { price })))
  expect(bob.carriers.verdicts).toEqual(['accept', 'accept', 'accept'])
  expect(bob.dropped).toHaveLength(2)
  expect(bob.dropped[0]).toEqual({ kind: 'vote', lane: 'high', reason: 'queue-full' })
  await vi.waitFor(() => expect(prices).toEqual([1]))
  expect(bob.router.stats().kinds.get('vote')).toMatchObject({ in: 1, dropped: 2 })
})

it.each([
  ['normal', []],
  ['busy', ['bulk']],
  ['overloaded', ['normal', 'bulk']],
] as const)('sheds, at load %s, the lanes %j', async (load, shed) => {
  const [alice, bob] = await startPair({ batchDelayMs: 0 })
  bob.health.load = load
  for (const kind of [alarm, vote, order, archive]) {
    bob.router.on(kind, () => {})
    await alice.router.broadcast(kind, { price: 1 })
  }
  expect(bob.dropped).toEqual(
    [order, archive]
      .filter(({ lane }) => (shed as readonly string[]).includes(lane))
      .map(({ kind, lane }) => ({ kind, lane, reason: 'shed' })),
  )
  expect(bob.carriers.verdicts.filter((verdict) => verdict === 'busy')).toHaveLength(shed.length)
  expect(bob.peerManager.reports).toEqual([])
})

it('keeps nothing of a publish that has ended, well or not', async () => {
  class TrackedDelivery {
    readonly id: string
    readonly peers = new Map()
    readonly successRate = 1
    readonly confirmed = async (): Promise<number> => 0

    constructor(id: string) {
      this.id = id
    }
  }
  const alice = await startNode()
  alice.carriers.delivery = (id) => new TrackedDelivery(id)
  for (let price = 0; price < 50; price++) await alice.router.broadcast(vote, { price })
  expect(queryObjects(TrackedDelivery, { format: 'count' })).toBeLessThan(10)

  class TrackedError extends Error {}
  alice.carriers.broadcast.publish = async () => {
    throw new TrackedError()
  }
  for (let price = 0; price < 50; price++) await alice.router.broadcast(vote, { price }).catch(() => undefined)
  expect(queryObjects(TrackedError, { format: 'count' })).toBeLessThan(10)
})

it('counts what it sent and took, by kind and by peer', async () => {
  const [alice, bob] = await startPair()
  bob.router.on(order, () => {})
  await Promise.all([1, 2].map((price) => alice.router.broadcast(order, { price })))
  expect(alice.router.stats().kinds.get('order')).toMatchObject({ in: 0, out: 2 })
  expect(alice.router.stats().peers.size).toBe(0)
  expect(bob.router.stats().peers.get(alice.peerId.toString())?.get('order')).toMatchObject({ in: 2, out: 0 })
})

it('loses, doubles and reorders nothing of a sender and kind, whatever is batched with what', async () => {
  const step = fc.record({ kind: fc.constantFrom(order, vote, archive), isPaused: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const [alice, bob] = await startPair({ batchDelayMs: 1, maxBatchMessages: 4 })
      const taken: Record<string, number[]> = { order: [], vote: [], archive: [] }
      for (const kind of [order, vote, archive]) bob.router.on(kind, ({ price }) => void taken[kind.kind]?.push(price))
      const sends: Promise<unknown>[] = []
      for (const [price, { kind, isPaused }] of steps.entries()) {
        sends.push(alice.router.broadcast(kind, { price }))
        if (isPaused) await sends.at(-1)
      }
      await Promise.all(sends)
      await bob.router.stop()
      for (const kind of ['order', 'vote', 'archive']) {
        expect(taken[kind]).toEqual(
          [...steps.entries()].filter(([, each]) => each.kind.kind === kind).map(([price]) => price),
        )
      }
      const counted = [...bob.router.stats().kinds.values()].reduce((sum, counters) => sum + counters.in, 0)
      expect(counted).toBe(steps.length)
      await alice.router.stop()
    }),
    { numRuns: 25 },
  )
})

it('writes one batch of one message where nothing else came', async () => {
  const alice = await startNode()
  await alice.router.broadcast(order, { price: 5 })
  const opened = await new FakeEnvelope(alice.peerId).open(alice.carriers.published[0]?.bytes ?? new Uint8Array())
  const { messages, recipient } = decodeBatch(order, opened.payload, { maxBatchBytes: 100, maxBatchMessages: 1 })
  expect(new TextDecoder().decode(messages[0])).toBe('{"price":5}')
  expect(recipient).toBeUndefined()
})

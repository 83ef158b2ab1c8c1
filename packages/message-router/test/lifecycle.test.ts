import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { messageRouter } from '../src/index.ts'
import type { MessageRouter } from '../src/index.ts'
import { FakeEnvelope } from './support/fake-envelope.ts'
import { FakeNetwork } from './support/fake-network.ts'
import { order, quote, startNode, startPair, vote } from './support/setup.ts'

beforeEach(() =>
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] }),
)
afterEach(() => vi.useRealTimers())

it.each([
  [{ batchDelayMs: -1 }, 'batchDelayMs -1'],
  [{ maxBatchBytes: 0 }, 'maxBatchBytes 0'],
  [{ handlerTimeoutMs: Number.NaN }, 'handlerTimeoutMs NaN'],
  // A timer set to it would fire at once, and every validator be late.
  [{ handlerTimeoutMs: 2 ** 31 }, 'handlerTimeoutMs 2147483648'],
  [{ stopTimeoutMs: 2 ** 31 }, 'stopTimeoutMs 2147483648'],
  [{ batchDelayMs: 2 ** 31 }, 'batchDelayMs 2147483648'],
  [{ maxQueued: { bulk: 0 } }, 'maxQueued.bulk 0'],
  [{ maxRunning: { high: -2 } }, 'maxRunning.high -2'],
])('refuses the options %j', async (init, message) => {
  await expect(startNode(init)).rejects.toThrow(message)
})

it('refuses a kind that is taken, or larger than the queues, and takes it again once it is free', async () => {
  const { router, carriers } = await startNode({ maxQueuedBytes: 70_000 })
  const end = router.on(order, () => {})
  expect(() => router.on(order, () => {})).toThrow('kind order already has a handler')
  expect(() => router.respond({ ...quote, kind: 'order' }, (value) => value)).toThrow(RangeError)
  expect(() => router.on({ ...vote, maxBytes: 70_001 }, () => {})).toThrow('maxQueuedBytes, which is 70000')
  end()
  expect(carriers.topics.size).toBe(0)
  router.on(order, () => {})
  end()
  expect([...carriers.topics.keys()]).toEqual(['order'])
})

it('forgets a handler whose topic is taken by somebody else', async () => {
  const { router, carriers } = await startNode()
  carriers.broadcast.subscribe('order', () => 'ignore')
  expect(() => router.on(order, () => {})).toThrow('topic order is taken')
  carriers.topics.delete('order')
  router.on(order, () => {})
})

it('leaves no subscription, handler or timer behind when stopped, and comes back with its handlers', async () => {
  const [alice, bob] = await startPair()
  const prices: number[] = []
  bob.router.on(order, ({ price }) => void prices.push(price))
  bob.router.respond(quote, (value) => value)
  for (let round = 0; round < 2; round++) {
    expect([...bob.carriers.topics.keys()]).toEqual(['order'])
    expect([...bob.carriers.handlers.keys()]).toEqual(['message', 'request'])
    const sent = alice.router.broadcast(order, { price: round })
    await vi.runAllTimersAsync()
    await sent
    await bob.router.stop()
    await bob.router.stop()
    expect(bob.carriers.topics.size).toBe(0)
    expect(bob.carriers.handlers.size).toBe(0)
    bob.router.afterStart()
    bob.router.afterStart()
  }
  expect(prices).toEqual([0, 1])
  await Promise.all([alice.router.stop(), bob.router.stop()])
  expect(vi.getTimerCount()).toBe(0)
})

it('lets go of what it has, and of nothing else, when it could not start', async () => {
  const { router, carriers } = await startNode()
  await router.stop()
  carriers.unicast.handle('request', () => {})
  expect(() => router.afterStart()).toThrow('name request is taken')
  await router.stop()
  expect([...carriers.handlers.keys()]).toEqual(['request'])
  carriers.unicast.unhandle('request')
  router.afterStart()
  expect([...carriers.handlers.keys()]).toEqual(['message', 'request'])
})

it('sends and answers nothing unless started', async () => {
  const { router, peerId } = await startNode()
  await router.stop()
  for (const call of [
    () => router.broadcast(order, { price: 1 }),
    () => router.send(peerId, order, { price: 1 }),
    () => router.request(peerId, quote, { price: 1 }),
  ]) {
    await expect(call()).rejects.toMatchObject({ name: 'NotStartedError' })
  }
})

it('sends what is batched when stopped', async () => {
  const [alice, bob] = await startPair({ batchDelayMs: 60_000 })
  bob.router.on(order, () => {})
  const sent = alice.router.broadcast(order, { price: 1 })
  await alice.router.stop()
  await sent
  expect(bob.carriers.verdicts).toEqual(['accept'])
})

it('handles what is queued when stopped, and lets a handler that still sends do so', async () => {
  const [alice, bob] = await startPair()
  const prices: number[] = []
  bob.router.on(vote, async ({ price }) => {
    await bob.router.broadcast(order, { price })
    prices.push(price)
  })
  for (const price of [1, 2, 3]) await alice.router.send(bob.peerId, vote, { price })
  const stopped = bob.router.beforeStop()
  await vi.runAllTimersAsync()
  await stopped
  expect(prices).toEqual([1, 2, 3])
  expect(bob.carriers.published).toHaveLength(3)
  await bob.router.stop()
})

it('drops, counts and aborts what is not done within stopTimeoutMs', async () => {
  const [alice, bob] = await startPair({ maxRunning: { high: 1 } })
  let reason: unknown
  bob.router.on(vote, (_, { signal }) => {
    signal.addEventListener('abort', () => {
      reason = signal.reason
    })
    return new Promise(() => {})
  })
  await alice.router.send(bob.peerId, vote, { price: 1 })
  await alice.router.send(bob.peerId, vote, { price: 2 })
  await vi.advanceTimersByTimeAsync(1)
  const stopped = bob.router.stop()
  await vi.advanceTimersByTimeAsync(2_000)
  await stopped
  expect(bob.dropped).toEqual([{ kind: 'vote', lane: 'high', reason: 'stopped' }])
  expect(reason).toMatchObject({ name: 'AbortError' })
  expect(bob.router.stats().kinds.get('vote')?.errors).toEqual({})
  expect(vi.getTimerCount()).toBe(0)
})

it.each([
  ['without a signal', {}],
  ['with a signal of its caller', { signal: new AbortController().signal }],
])('ends a publish %s that hangs when the time to stop is over', async (_what, options) => {
  const { router, carriers } = await startNode()
  let signal: AbortSignal | undefined
  carriers.broadcast.publish = (_topic, _bytes, given) => {
    signal = given?.signal
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new TypeError('gave up'))))
  }
  const hanging = Promise.allSettled([router.broadcast(vote, { price: 1 }, options)])
  const stopped = router.stop()
  await vi.advanceTimersByTimeAsync(2_000)
  await stopped
  expect(await hanging).toMatchObject([{ reason: { message: 'gave up' } }])
  expect(signal?.aborted).toBe(true)
})

it('runs as a service of libp2p, after its siblings have started and until they stop', async () => {
  vi.useRealTimers()
  const network = new FakeNetwork()
  const start = async (): Promise<Libp2p<{ messages: MessageRouter }>> => {
    const carriers = Promise.withResolvers<ReturnType<FakeNetwork['join']>>()
    return createLibp2p({
      services: {
        // Before its siblings, on purpose: it may read them only once all are there.
        messages: messageRouter(),
        envelope: ({ peerId }: { peerId: Libp2p['peerId'] }) => new FakeEnvelope(peerId),
        carriers: ({ peerId }: { peerId: Libp2p['peerId'] }) => {
          const joined = network.join(peerId)
          carriers.resolve(joined)
          return joined
        },
        broadcast: (components: { carriers: ReturnType<FakeNetwork['join']> }) => components.carriers.broadcast,
        unicast: (components: { carriers: ReturnType<FakeNetwork['join']> }) => components.carriers.unicast,
      },
    })
  }
  const [alice, bob] = [await start(), await start()]
  bob.services.messages.respond(quote, ({ price }) => ({ price: -price }))
  const heard = Promise.withResolvers<number>()
  bob.services.messages.on(order, ({ price }) => heard.resolve(price))

  expect(await alice.services.messages.request(bob.peerId, quote, { price: 5 })).toEqual({ price: -5 })
  await alice.services.messages.broadcast(order, { price: 9 })
  expect(await heard.promise).toBe(9)

  await bob.stop()
  await expect(alice.services.messages.request(bob.peerId, quote, { price: 5 })).rejects.toThrow('no handler')
  await bob.start()
  expect(await alice.services.messages.request(bob.peerId, quote, { price: 6 })).toEqual({ price: -6 })
  await Promise.all([alice.stop(), bob.stop()])
})

it('keeps libp2p from starting without the siblings it needs', async () => {
  vi.useRealTimers()
  // @ts-expect-error the compiler names them first
  const node = await createLibp2p({ start: false, services: { messages: messageRouter() } })
  await expect(node.start()).rejects.toThrow('envelope')
  await node.stop()
})

import { start } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it, vi } from 'vitest'
import { memoryBroadcast, memoryHub, type MemoryHub } from '../src/index.ts'
import { makeNode, makeNodes, makePeerId, recordOf, type TestNode } from './nodes.ts'

const MESSAGE = Uint8Array.of(1, 2, 3)
const started: TestNode[] = []

afterEach(() => {
  vi.useRealTimers()
  for (const { broadcast } of started.splice(0)) broadcast.stop()
})

async function pair(hub: MemoryHub): Promise<[TestNode, TestNode]> {
  const [author, receiver] = await makeNodes(hub, 2)
  if (author === undefined || receiver === undefined) throw new TypeError('two nodes were asked for')
  started.push(author, receiver)
  return [author, receiver]
}

it('is a libp2p service, on the hub while the node runs, over restarts too', async () => {
  const hub = memoryHub()
  const create = (address: string) =>
    createLibp2p({
      addresses: { listen: [`/memory/${address}`] },
      transports: [memory()],
      connectionEncrypters: [plaintext()],
      streamMuxers: [yamux()],
      services: { broadcast: memoryBroadcast(hub) },
    })
  const [author, receiver] = await Promise.all([create('hub-author'), create('hub-receiver')])
  const received: Uint8Array[] = []
  receiver.services.broadcast.subscribe('orders', (bytes) => {
    received.push(bytes)
    return 'accept'
  })
  for (const byte of [1, 2]) {
    const delivery = await author.services.broadcast.publish('orders', Uint8Array.of(byte))
    expect(await delivery.confirmed(1)).toBe(1)
    await receiver.stop()
    expect(hub.peers).toEqual([author.peerId.toString()])
    expect((await author.services.broadcast.publish('orders', MESSAGE)).peers.size).toBe(0)
    await receiver.start()
  }
  expect(received).toEqual([Uint8Array.of(1), Uint8Array.of(2)])
  await Promise.all([author.stop(), receiver.stop()])
  expect(hub.peers).toEqual([])
  await expect(author.services.broadcast.publish('orders', MESSAGE)).rejects.toMatchObject({ name: 'NotStartedError' })
})

it('arrives without a timer, so that fake ones hold nothing up', async () => {
  vi.useFakeTimers()
  const [author, receiver] = await pair(memoryHub())
  receiver.broadcast.subscribe('orders', () => 'accept')
  const delivery = await author.broadcast.publish('orders', MESSAGE)
  expect(await delivery.confirmed(1)).toBe(1)
  expect(vi.getTimerCount()).toBe(0)
})

it('refuses a second node with a peer id that is on the hub', async () => {
  const hub = memoryHub()
  const [author] = await pair(hub)
  const twin = memoryBroadcast(hub)({ peerId: author.peerId, logger: defaultLogger() })
  await expect(start(twin)).rejects.toThrow(RangeError)
  expect(hub.peers).toHaveLength(2)
})

it('refuses a payload over maxMessageBytes, and takes one of just so many', async () => {
  const [author, receiver] = await pair(memoryHub({ maxMessageBytes: 3 }))
  receiver.broadcast.subscribe('orders', () => 'accept')
  expect(await (await author.broadcast.publish('orders', MESSAGE)).confirmed(1)).toBe(1)
  await expect(author.broadcast.publish('orders', new Uint8Array(4))).rejects.toMatchObject({
    name: 'MessageTooLargeError',
    code: 'message-too-large',
    limit: 'maxMessageBytes',
    value: 3,
    byteLength: 4,
  })
})

it('drops as queue-full what comes while maxQueued verdicts are owed, and takes it later', async () => {
  const [author, receiver] = await pair(memoryHub({ maxQueued: 2 }))
  const { promise, resolve } = Promise.withResolvers<'accept'>()
  receiver.broadcast.subscribe('orders', () => promise)
  const publish = async (byte: number) => author.broadcast.publish('orders', Uint8Array.of(byte))
  const [first, second, third] = [await publish(1), await publish(2), await publish(3)]
  expect([...third.peers.values()]).toEqual([{ status: 'dropped', reason: 'queue-full' }])
  expect(third.successRate).toBe(0)
  resolve('accept')
  for (const delivery of [first, second]) expect(await delivery.confirmed(1)).toBe(1)
  expect(await (await publish(3)).confirmed(1)).toBe(1)
})

it('forgets the oldest message beyond maxIds, and that one only', async () => {
  const [author, receiver] = await pair(memoryHub({ maxIds: 2 }))
  const received: number[] = []
  receiver.broadcast.subscribe('orders', ([byte = 0]) => {
    received.push(byte)
    return 'accept'
  })
  for (const byte of [1, 2, 3, 3, 2, 1]) {
    await (await author.broadcast.publish('orders', Uint8Array.of(byte))).confirmed(1)
  }
  expect(received).toEqual([1, 2, 3, 1])
})

it('takes a verdict that does not come within handlerDeadlineMs for ignore', async () => {
  vi.useFakeTimers()
  const [author, receiver] = await pair(memoryHub({ handlerDeadlineMs: 100 }))
  receiver.broadcast.subscribe('orders', () => new Promise(() => undefined))
  const { peers } = await author.broadcast.publish('orders', MESSAGE)
  await vi.advanceTimersByTimeAsync(99)
  expect([...peers.values()]).toEqual([{ status: 'sent' }])
  await vi.advanceTimersByTimeAsync(1)
  expect([...peers.values()]).toEqual([{ status: 'dropped', reason: 'ignored' }])
  expect(receiver.reports).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

it('gives up owed verdicts and waits for confirmations when it stops, and leaves no timer', async () => {
  vi.useFakeTimers()
  const [author, receiver] = await pair(memoryHub())
  receiver.broadcast.subscribe('orders', () => new Promise(() => undefined))
  const delivery = await author.broadcast.publish('orders', MESSAGE)
  await vi.advanceTimersByTimeAsync(1)
  const waiting = delivery.confirmed(1).catch((err: Error) => err.name)
  expect(vi.getTimerCount()).toBe(2)
  receiver.broadcast.stop()
  author.broadcast.stop()
  expect(await waiting).toBe('TimeoutError')
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  await expect(delivery.confirmed(1)).rejects.toMatchObject({ name: 'TimeoutError' })
})

it('hands nothing to a handler that was removed, or whose node stopped, since the message was queued', async () => {
  const [author, receiver] = await pair(memoryHub())
  let calls = 0
  const unsubscribe = receiver.broadcast.subscribe('orders', () => {
    calls++
    return 'accept'
  })
  const publishing = author.broadcast.publish('orders', MESSAGE)
  unsubscribe()
  const { peers } = await publishing
  await vi.waitFor(() => expect([...peers.values()]).toEqual([{ status: 'dropped', reason: 'not-subscribed' }]))
  receiver.broadcast.subscribe('orders', () => {
    calls++
    return 'accept'
  })
  const late = author.broadcast.publish('orders', Uint8Array.of(9))
  receiver.broadcast.stop()
  await late
  expect(calls).toBe(0)
})

it('learns of a peer that published the same, and hands neither its own message', async () => {
  const [one, other] = await pair(memoryHub())
  let calls = 0
  for (const { broadcast } of [one, other]) {
    broadcast.subscribe('orders', () => {
      calls++
      return 'accept'
    })
  }
  // The other had not subscribed when the first was published, so it was not addressed.
  const first = await one.broadcast.publish('orders', MESSAGE, { to: [] })
  expect(first.peers.size).toBe(0)
  await other.broadcast.publish('orders', MESSAGE)
  expect([...first.peers]).toEqual([[other.peerId.toString(), { status: 'seen' }]])
  expect(await first.confirmed(1)).toBe(1)
  expect(calls).toBe(0)
})

it('asks the peer manager for the peers of a query, and throws without one', async () => {
  const hub = memoryHub()
  const [author, receiver] = await pair(hub)
  receiver.broadcast.subscribe('orders', () => 'accept')
  const asker = await makeNode(hub, {
    select: ({ role } = {}) => (role === 'known' ? [recordOf(receiver.peerId)] : []),
  })
  started.push(asker)
  const { peers } = await asker.broadcast.publish('orders', MESSAGE, { to: { role: 'known' } })
  expect([...peers.keys()]).toEqual([receiver.peerId.toString()])
  expect((await author.broadcast.publish('orders', MESSAGE, { to: { role: 'known' } })).peers.size).toBe(0)

  const alone = memoryBroadcast(hub)({ peerId: await makePeerId(), logger: defaultLogger() })
  await start(alone)
  await expect(alone.publish('orders', MESSAGE, { to: {} })).rejects.toMatchObject({ code: 'no-peer-manager' })
})

it('drops itself, strangers and those that do not subscribe, each for its reason', async () => {
  const [author, receiver] = await pair(memoryHub())
  const stranger = await makePeerId()
  const to = [author.peerId, receiver.peerId, stranger]
  const { peers, successRate } = await author.broadcast.publish('orders', MESSAGE, { to })
  expect([...peers.values()].map((outcome) => outcome.status === 'dropped' && outcome.reason)).toEqual([
    'self',
    'not-subscribed',
    'no-link',
  ])
  expect(successRate).toBe(0)
})

it.each([
  ['an empty topic', '', {}],
  ['a topic with a space', 'a b', {}],
  ['a topic of 129 characters', 'a'.repeat(129), {}],
])('refuses %s', async (_, topic, options) => {
  const [author] = await pair(memoryHub())
  await expect(author.broadcast.publish(topic, MESSAGE, options)).rejects.toThrow(RangeError)
  expect(() => author.broadcast.subscribe(topic, () => 'accept')).toThrow(RangeError)
})

it('refuses peers for a strategy that takes none, and a directed publish without peers', async () => {
  const [author] = await pair(memoryHub())
  await expect(author.broadcast.publish('a', MESSAGE, { to: [], strategy: 'flood' })).rejects.toThrow(TypeError)
  await expect(author.broadcast.publish('a', MESSAGE, { strategy: 'directed' })).rejects.toThrow(TypeError)
})

it.each([
  ['maxMessageBytes 0', { maxMessageBytes: 0 }],
  ['maxQueued NaN', { maxQueued: Number.NaN }],
  ['maxIds 1.5', { maxIds: 1.5 }],
  ['deliveryLifetimeMs -1', { deliveryLifetimeMs: -1 }],
  ['handlerDeadlineMs Infinity', { handlerDeadlineMs: Number.POSITIVE_INFINITY }],
])('refuses %s', (message, init) => {
  expect(() => memoryHub(init)).toThrow(message)
})

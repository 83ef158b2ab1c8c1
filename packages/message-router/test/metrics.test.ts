import { stubMetrics } from './support/stub-metrics.ts'
import { defaultLogger } from '@libp2p/logger'
import { expect, it, vi } from 'vitest'
import { DefaultMessageRouter } from '../src/message-router.ts'
import { FakeEnvelope } from './support/fake-envelope.ts'
import { FakeNetwork } from './support/fake-network.ts'
import { order, randomPeerId, startNode, vote } from './support/setup.ts'

it('counts what comes, goes, is refused and is dropped, and measures batches, handlers and queues', async () => {
  const network = new FakeNetwork()
  const { metrics, values, collect } = stubMetrics()
  const peerId = await randomPeerId()
  const { broadcast, unicast } = network.join(peerId)
  const components = {
    peerId,
    logger: defaultLogger(),
    metrics,
    envelope: new FakeEnvelope(peerId),
    broadcast,
    unicast,
  }
  const router = new DefaultMessageRouter(components, { maxQueued: { high: 1 } })
  const alice = await startNode({ network })
  router.afterStart()
  router.on(vote, () => {})

  await alice.router.broadcast(vote, { price: 1 })
  await alice.router.broadcast(vote, { price: 2 })
  expect(collect('queue_depth_messages')).toEqual({ critical: 0, high: 1, normal: 0, bulk: 0 })
  await network.nodes.get(peerId.toString())?.bring(alice.peerId, 'vote', new Uint8Array([1]))
  await Promise.all([1, 2, 3].map((price) => router.broadcast(order, { price })))
  await vi.waitFor(() => expect(values('handler_duration_seconds', 'vote')).toHaveLength(1))

  expect(values('received_messages_total', 'vote')).toEqual([1])
  expect(values('dropped_messages_total', 'queue-full')).toEqual([1])
  expect(values('refused_messages_total', 'malformed')).toEqual([true])
  expect(values('sent_messages_total', 'order')).toEqual([3])
  expect(values('batch_size_messages')).toEqual([3])
  await router.stop()
  expect(collect('queue_depth_messages')).toEqual({ critical: 0, high: 0, normal: 0, bulk: 0 })
})

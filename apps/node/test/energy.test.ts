import type { Delivery } from '@gridmesh/interfaces'
import { expect, it, onTestFinished, vi } from 'vitest'
import { energyKinds } from '../src/energy/kinds.ts'
import { anOrder } from './an-order.ts'
import { someNode } from './some-node.ts'

const order = anOrder('order-1')

it('shows a message in our own feed while it is still on its way, and once', async () => {
  const node = await someNode()
  onTestFinished(async () => void (await node.stop()))
  const sent = Promise.withResolvers<Delivery>()
  const broadcast = vi.spyOn(node.libp2p.services.messages, 'broadcast').mockReturnValue(sent.promise)
  const publishing = node.energy.publish(energyKinds['energy-order'], order)
  expect(broadcast).toHaveBeenCalledTimes(1)
  expect(node.feed.list()).toMatchObject([{ kind: 'energy-order', value: order }])

  const delivery: Delivery = { id: 'a', peers: new Map(), successRate: 1, confirmed: async () => 0 }
  sent.resolve(delivery)
  const published = await publishing
  expect(published.delivery).toBe(delivery)
  expect(node.feed.list()).toEqual([published.item])
})

it('shows nothing of a message that is too large to be sent', async () => {
  const node = await someNode()
  onTestFinished(async () => void (await node.stop()))
  const reason = '\u0001'.repeat(1_000)
  await expect(
    node.energy.publish(energyKinds['system-shutdown'], { id: 'a', reason, effectiveAtMs: Date.now() }),
  ).rejects.toMatchObject({ name: 'MessageTooLargeError' })
  expect(node.feed.list()).toEqual([])
})

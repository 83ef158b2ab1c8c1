import type { PeerId } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { Trees } from '../src/trees.ts'
import { peerIds } from './helpers/peer-ids.ts'

/** Trees of a node that subscribes to `own`, and whose peers subscribe to everything. */
function treesOf(own: ReadonlySet<string>, subscribers: PeerId[] = []): Trees {
  return new Trees({
    gossipFactor: 0.25,
    peers: { isReachable: () => true },
    router: { isSubscribed: (topic) => own.has(topic), mesh: () => [], subscribers: () => subscribers },
  })
}

it('forgets the tree of a topic that is no longer subscribed to', () => {
  const own = new Set(['orders', 'blocks'])
  const trees = treesOf(own)
  const before = trees.links('orders')
  trees.links('blocks')
  expect([...trees.topics()]).toEqual(['orders', 'blocks'])
  own.delete('orders')
  expect([...trees.topics()]).toEqual(['blocks'])
  own.add('orders')
  expect(trees.links('orders')).not.toBe(before)
})

it('sends nothing to who has it, where it does not subscribe itself', async () => {
  const [first, second] = await peerIds(2)
  const trees = treesOf(new Set(), [first, second])
  expect(trees.branches('orders', new Set())).toEqual({ eager: [first], lazy: [second] })
  expect(trees.branches('orders', new Set([first.toString()]))).toEqual({ eager: [second], lazy: [] })
  expect(trees.branches('orders', new Set([first, second].map(String)))).toEqual({ eager: [], lazy: [] })
})

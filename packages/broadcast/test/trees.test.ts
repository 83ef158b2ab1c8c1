import { expect, it } from 'vitest'
import { Trees } from '../src/trees.ts'

/** Trees of a node that subscribes to `own`, and whose peers subscribe to everything. */
function treesOf(own: ReadonlySet<string>): Trees {
  return new Trees({
    gossipFactor: 0.25,
    peers: { isReachable: () => true },
    router: { isSubscribed: (topic) => own.has(topic), mesh: () => [], subscribers: () => [] },
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

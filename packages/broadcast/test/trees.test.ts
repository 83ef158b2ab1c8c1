import type { PeerId } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { MAX_TREE_NEIGHBOURS } from '../src/constants.ts'
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

it('tells other subscribers of each message, where it does not subscribe itself', async () => {
  const subscribers = await peerIds(20)
  const trees = treesOf(new Set(), subscribers)
  const told = new Set<string>()
  for (let message = 0; message < 200; message++) {
    const { eager, lazy } = trees.branches('orders', new Set())
    expect(eager).toEqual(subscribers.slice(0, 1))
    expect(lazy).toHaveLength(MAX_TREE_NEIGHBOURS - 1)
    for (const peer of lazy) told.add(peer.toString())
  }
  expect(told.size).toBe(19)
})

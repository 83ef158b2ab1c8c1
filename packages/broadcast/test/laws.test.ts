import type { BroadcastStrategy, PublishOptions } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import type { BroadcastDelivery } from '../src/index.ts'
import {
  connect,
  createNodes,
  eventually,
  meshOf,
  nodeAt,
  PATIENCE_MS,
  stopNodes,
  type TestNode,
} from './helpers/nodes.ts'

const MAX_NODES = 6
/** A payload of one byte more is announced. */
const PULL_ABOVE_BYTES = 131_072

/** A connected graph: each node after the first is linked to one before it, and some pairs besides. */
const topologies = fc.integer({ min: 2, max: MAX_NODES }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    parents: fc.array(fc.nat(), { minLength: size - 1, maxLength: size - 1 }),
    chords: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 4 }),
  }),
)
const publishes = fc.array(
  fc.record({
    author: fc.nat(),
    how: fc.constantFrom<BroadcastStrategy | 'critical'>('gossip', 'flood', 'tree', 'directed', 'critical'),
    isLarge: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
)

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

function linksOf({
  size,
  parents,
  chords,
}: {
  size: number
  parents: number[]
  chords: [number, number][]
}): Set<string> {
  const links = parents.map((parent, i) => [i + 1, parent % (i + 1)] as const)
  const all = [...links, ...chords.filter(([a, b]) => a !== b && a < size && b < size)]
  return new Set(all.map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`))
}

/** Subscribes every node and counts what its handler gets, by content. */
function countDeliveries(nodes: TestNode[]): Map<number, number>[] {
  return nodes.map((node) => {
    const counts = new Map<number, number>()
    node.broadcast.subscribe('law', ([content = -1]) => {
      counts.set(content, (counts.get(content) ?? 0) + 1)
      return 'accept'
    })
    return counts
  })
}

function optionsOf(how: BroadcastStrategy | 'critical', neighbours: TestNode[]): PublishOptions {
  if (how === 'critical') return { lane: 'critical' }
  return how === 'directed' ? { to: neighbours.slice(0, 1).map((node) => node.peerId) } : { strategy: how }
}

it('delivers each message at most once per node, to all where it spreads, and accounts for every peer addressed', async () => {
  await fc.assert(
    fc.asyncProperty(topologies, publishes, async (topology, todo) => {
      const nodes = await createNodes(topology.size, { pullAboveBytes: PULL_ABOVE_BYTES })
      const counts = countDeliveries(nodes)
      const neighbours = nodes.map((): TestNode[] => [])
      for (const link of linksOf(topology)) {
        const [a = 0, b = 0] = link.split('-').map(Number)
        await connect(nodeAt(nodes, a), nodeAt(nodes, b))
        neighbours[a]?.push(nodeAt(nodes, b))
        neighbours[b]?.push(nodeAt(nodes, a))
      }
      await Promise.all(nodes.map((node, i) => meshOf(node, 'law', neighbours[i]?.length ?? 0)))

      const made = await Promise.all(
        todo.map(async ({ author, how, isLarge }, content) => {
          const index = author % nodes.length
          const options = optionsOf(how, neighbours[index] ?? [])
          const payload = new Uint8Array(isLarge ? PULL_ABOVE_BYTES + 1 : 1).fill(content)
          const delivery = await nodeAt(nodes, index).broadcast.publish('law', payload, options)
          await delivery.settled()
          expectAccountOf(delivery, how === 'directed' ? options.to : neighbours[index]?.map((node) => node.peerId))
          return { content, index, how, delivery }
        }),
      )
      await eventually(() => {
        for (const { content, index, how, delivery } of made) {
          const holders = counts.filter((of) => of.get(content) === 1).length
          expect(holders).toBe(how === 'directed' ? delivery.peers.size : nodes.length - 1)
          expect(counts[index]?.get(content)).toBeUndefined()
        }
      })
      await stopNodes()
      for (const of of counts) for (const count of of.values()) expect(count).toBe(1)
    }),
    { numRuns: 5, endOnFailure: true },
  )
}, 60_000)

/** Each peer that was addressed has one outcome; peers that were not may be listed beside, as they have the message. */
function expectAccountOf(delivery: BroadcastDelivery, addressed: PublishOptions['to']): void {
  if (!Array.isArray(addressed)) throw new TypeError('addressed peers are a list here')
  for (const peer of addressed) {
    expect(delivery.peers.get(peer.toString())?.status).toMatch(/^(sent|acknowledged|seen)$/)
  }
  expect(delivery.successRate).toBe(1)
}

it('addresses all ready peers or names the failure of each', async () => {
  const failures = fc.array(fc.constantFrom('accept', 'reject', 'ignore', 'unsubscribed', 'gone'), {
    minLength: 1,
    maxLength: 5,
  })
  const reasons = { reject: 'rejected', ignore: 'ignored', unsubscribed: 'not-subscribed', gone: 'no-handler' } as const
  await fc.assert(
    fc.asyncProperty(failures, async (behaviours) => {
      const [author, ...peers] = await createNodes(behaviours.length + 1)
      if (author === undefined) throw new RangeError('no author')
      for (const [i, behaviour] of behaviours.entries()) {
        const peer = nodeAt(peers, i)
        await connect(author, peer)
        if (behaviour === 'gone') peer.unicast?.handlers.clear()
        else if (behaviour !== 'unsubscribed') peer.broadcast.subscribe('law', () => behaviour)
      }

      const delivery = await author.broadcast.publish('law', new Uint8Array([1]), { strategy: 'flood' })
      await delivery.settled()

      const expected = behaviours.map((behaviour, i) => [
        nodeAt(peers, i).peerId.toString(),
        behaviour === 'accept' ? { status: 'acknowledged' } : { status: 'dropped', reason: reasons[behaviour] },
      ])
      expect(Object.fromEntries(delivery.peers)).toEqual(Object.fromEntries(expected))
      const taken = behaviours.filter((behaviour) => behaviour === 'accept').length
      expect(delivery.successRate).toBeCloseTo(taken / behaviours.length)
      await stopNodes()
    }),
    { numRuns: 5 },
  )
}, 60_000)

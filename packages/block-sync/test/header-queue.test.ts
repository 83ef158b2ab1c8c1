import { expect, it } from 'vitest'
import { BlockRange } from '../src/block-range.ts'
import { HeaderQueue } from '../src/header-queue.ts'
import { resolveOptions } from '../src/options.ts'
import { PeerRecord } from '../src/peer-table.ts'
import type { HeaderFacts } from '../src/index.ts'
import { GENESIS, makeBlocks, ModelChain, reader } from './model-chain.ts'
import { ModelNet } from './model-net.ts'

const BLOCKS = makeBlocks(GENESIS, 30, 'a')
const source = new PeerRecord({ id: 'a', tip: GENESIS, finalised: GENESIS, isReady: true }, 0, 10_000)
const net = new ModelNet()
net.join('a', new ModelChain().addAll(BLOCKS))
const init = { requests: net, reader, options: resolveOptions({}), source }
const queueOf = (rangeBlocks: number): HeaderQueue =>
  new HeaderQueue(rangeBlocks, (facts) => new BlockRange(init, facts))
const heights = (facts: readonly HeaderFacts[]): number[] => facts.map(({ height }) => height)

it('cuts what is above the place where the branch goes on otherwise, and names the ranges that are gone', () => {
  const queue = queueOf(10)
  expect(queue.extend(GENESIS, BLOCKS)).toEqual([])
  expect(queue.length).toBe(30)
  const fork = makeBlocks(BLOCKS[14] ?? GENESIS, 3, 'fork')
  const gone = queue.extend({ height: 15, hash: BLOCKS[14]?.hash ?? '' }, fork)

  expect(gone).toHaveLength(1)
  expect(queue.ranges.map(({ facts }) => heights(facts))).toEqual([
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    [11, 12, 13, 14, 15],
    [16, 17, 18],
  ])
  expect(queue.tail).toMatchObject({ hash: fork[2]?.hash })
})

it('goes on from below what it let go of already', async () => {
  const queue = queueOf(10)
  queue.extend(GENESIS, BLOCKS)
  const [first] = queue.ranges
  await first?.fetch(source, new AbortController().signal)
  for (let i = 0; i < 5; i++) queue.shift()
  expect(queue.ranges[0]?.first()?.facts.height).toBe(6)
  const fork = makeBlocks(BLOCKS[2] ?? GENESIS, 3, 'fork')
  const gone = queue.extend({ height: 3, hash: BLOCKS[2]?.hash ?? '' }, fork)

  expect(gone).toHaveLength(3)
  expect(gone.map(({ length, heldBytes }) => [length, heldBytes])).toEqual([
    [0, 0],
    [0, 0],
    [0, 0],
  ])
  expect([queue.length, queue.ranges.map(({ facts }) => heights(facts))]).toEqual([3, [[4, 5, 6]]])
})

it('keeps all of it where the branch goes on', () => {
  const queue = queueOf(10)
  queue.extend(GENESIS, BLOCKS.slice(0, 15))
  expect(queue.extend({ height: 15, hash: BLOCKS[14]?.hash ?? '' }, BLOCKS.slice(15))).toEqual([])
  expect(queue.ranges.flatMap(({ facts }) => heights(facts))).toEqual(heights(BLOCKS))
})

it('gives places that descend from the newest to the oldest, no more than asked for', () => {
  const queue = queueOf(1)
  expect(queue.places(12)).toEqual([])
  queue.extend(GENESIS, BLOCKS)
  const places = queue.places(12)

  expect(places.length).toBeLessThanOrEqual(12)
  expect([places[0]?.height, places.at(-1)?.height]).toEqual([30, 1])
  expect(places.every(({ height }, i) => height < (places[i - 1]?.height ?? Infinity))).toBe(true)
})

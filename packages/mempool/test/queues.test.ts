import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { LaneQueue } from '../src/lane-queue.ts'
import { Recent } from '../src/recent.ts'

const ROOM = { maxPending: 100, maxPendingBytes: 1_000 }

it('serves the lanes by turns, the front of each first, and goes on where it ended', () => {
  const queue = new LaneQueue<{ rank: number; size: number; id: number }>(ROOM)
  for (const [id, rank] of [2, 0, 2, 0, 0, 3].entries()) queue.push({ rank, size: 1, id })
  const taken = Array.from({ length: 4 }, () => queue.shift(2).map(({ id }) => id))
  expect(taken).toEqual([[1, 0], [3, 5], [4, 2], []])
  expect(queue.isEmpty).toBe(true)
})

it('gives way from the newest of the lane with most of the room, by count or bytes, down to that of a newcomer', () => {
  const queue = new LaneQueue<{ rank: number; size: number; id: number }>(ROOM)
  for (let id = 0; id < 4; id++) queue.push({ rank: 0, size: 1, id })
  expect(queue.popFor({ rank: 0, size: 1 })).toBeUndefined()
  expect(queue.popFor({ rank: 2, size: 41 })).toBeUndefined()
  expect(queue.popFor({ rank: 2, size: 1 })?.id).toBe(3)
  queue.push({ rank: 3, size: 500, id: 4 })
  expect(queue.popFor({ rank: 2, size: 1 })?.id).toBe(4)
  queue.push({ rank: 2, size: 1, id: 5 })
  queue.push({ rank: 2, size: 1, id: 6 })
  expect(queue.popFor({ rank: 2, size: 1 })).toBeUndefined()
})

it('starves no lane, whatever else comes', () => {
  const lane = fc.nat(3)
  fc.assert(
    fc.property(fc.array(lane, { maxLength: 40 }), lane, fc.integer({ min: 1, max: 5 }), (others, rank, count) => {
      const queue = new LaneQueue<{ rank: number; size: number; isOwn?: boolean }>(ROOM)
      const flood = (): void => {
        for (const other of others) if (other !== rank) queue.push({ rank: other, size: 1 })
      }
      flood()
      queue.push({ rank, size: 1, isOwn: true })
      let served = 0
      for (let isServed = false; !isServed; served += count) {
        isServed = queue.shift(count).some(({ isOwn }) => isOwn === true)
        flood()
      }
      expect(served).toBeLessThanOrEqual(4 + count - 1)
    }),
  )
})

it('is emptied at once, however much there is in it', () => {
  const queue = new LaneQueue<{ rank: number; size: number }>(ROOM)
  for (let i = 0; i < 300_000; i++) queue.push({ rank: 3, size: 1 })
  expect([queue.shift(Infinity).length, queue.isEmpty]).toEqual([300_000, true])
})

it('remembers what was told last, up to half of its number for certain, and never more than all of it', () => {
  const change = fc.record({ isAdded: fc.integer({ min: 0, max: 3 }).map((n) => n > 0), item: fc.nat(12).map(String) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 100 }), fc.nat(8), (changes, max) => {
      const recent = new Recent(max)
      // What was told, the newest at the end, and what of it is not deleted.
      const told: string[] = []
      const held = new Set<string>()
      for (const { isAdded, item } of changes) {
        recent[isAdded ? 'add' : 'delete'](item)
        held[isAdded ? 'add' : 'delete'](item)
        if (isAdded) told.push(item)
        const newest = max === 0 ? [] : told.slice(-Math.ceil(max / 2))
        expect(newest.filter((one) => held.has(one) && !recent.has(one))).toEqual([])
        const remembered = Array.from({ length: 13 }, (_, i) => `${i}`).filter((one) => recent.has(one))
        expect(remembered.filter((one) => !held.has(one))).toEqual([])
        expect(remembered.length).toBeLessThanOrEqual(max)
      }
    }),
  )
})

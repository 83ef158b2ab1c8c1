import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { LaneQueue } from '../src/lane-queue.ts'
import { Recent } from '../src/recent.ts'

it('serves the most urgent lane first, and gives way from the least urgent, newest', () => {
  const queue = new LaneQueue<{ rank: number; id: number }>()
  for (const [id, rank] of [2, 0, 2, 3, 1].entries()) queue.push({ rank, id })
  expect(queue.popAfter(3)).toBeUndefined()
  expect(queue.popAfter(2)).toEqual({ rank: 3, id: 3 })
  expect(queue.popAfter(1)).toEqual({ rank: 2, id: 2 })
  expect(queue.shift(2).map(({ id }) => id)).toEqual([1, 4])
  expect([queue.isEmpty, queue.shift(2).length, queue.isEmpty]).toEqual([false, 1, true])
})

it('is emptied at once, however much there is in it', () => {
  const queue = new LaneQueue<{ rank: number }>()
  for (let i = 0; i < 300_000; i++) queue.push({ rank: 3 })
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

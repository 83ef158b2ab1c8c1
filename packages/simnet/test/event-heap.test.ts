import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventHeap, type HeapEntry } from '../src/clock/event-heap.ts'

interface Entry extends HeapEntry {
  readonly name: number
}

const entries = fc.array(fc.record({ atMs: fc.nat(20), isRemoved: fc.boolean() }), { maxLength: 200 })

it('gives entries by time, then by order, without those that were removed', () => {
  fc.assert(
    fc.property(entries, (plans) => {
      const heap = new EventHeap<Entry>()
      const all = plans.map(({ atMs }, name): Entry => ({ atMs, order: name, place: -1, name }))
      all.forEach((entry) => heap.push(entry))
      const removed = all.filter((_, at) => plans[at]?.isRemoved)
      removed.forEach((entry) => heap.remove(entry))
      const popped: number[] = []
      for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) popped.push(entry.name)
      const kept = all.filter((entry) => !removed.includes(entry))
      expect(popped).toEqual(kept.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order).map(({ name }) => name))
    }),
  )
})

it('lets an entry that is not in it be removed, twice, and stays whole', () => {
  const heap = new EventHeap<Entry>()
  const entry = { atMs: 1, order: 0, place: -1, name: 0 }
  heap.remove(entry)
  heap.push(entry)
  heap.remove(entry)
  heap.remove(entry)
  expect([heap.size, heap.pop()]).toEqual([0, undefined])
})

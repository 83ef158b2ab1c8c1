import { expect, it } from 'vitest'
import { BUCKETS, bucketOf, type Change, StateTree } from '../src/index.ts'
import { BucketList } from '../src/tree/bucket-list.ts'

/** Keys that fall into the first of all buckets. */
function crowd(count: number): Buffer[] {
  const keys: Buffer[] = []
  for (let i = 0; keys.length < count; i++) {
    const key = Buffer.alloc(4)
    key.writeUInt32BE(i)
    if (bucketOf(key) < BUCKETS / 4_096) keys.push(key)
  }
  return keys
}

it('keeps every byte of crowded buckets, however they grow and shrink', () => {
  const keys = crowd(160)
  const tree = new StateTree()
  const held = new Map<Buffer, Buffer>()
  for (let step = 0; step < 40; step++) {
    // More come than go, then more go than come.
    const changes = keys
      .filter((_, i) => (i * 7 + step * 3) % 11 < 4)
      .flatMap((key, i): Change[] => {
        const before = held.get(key)
        const goes = before !== undefined && i % (step < 20 ? 5 : 2) === 0
        const after = goes ? undefined : Buffer.from(`${step} of ${i}`)
        if (after === undefined) held.delete(key)
        else if (before !== undefined || step < 20) held.set(key, after)
        else return []
        return [{ key, before, after }]
      })
    tree.apply(changes)
    expect(tree.root).toEqual(StateTree.from(held).root)
    expect(tree.size).toBe(held.size)
  }
})

it('tells keys apart by their last byte', () => {
  const lists = Buffer.alloc(1_000)
  const entries = Buffer.alloc(3 * 64)
  for (const [i, last] of [2, 1, 3].entries()) entries[i * 64 + 31] = last
  const list = new BucketList(lists, entries)
  list.begin(0)
  for (const source of [0, 64, 128]) {
    expect(list.find(source)).toBe(false)
    list.put(false)
  }
  expect(Array.from({ length: 3 }, (_, i) => lists[1 + i * 64 + 31])).toEqual([1, 2, 3])
  expect(list.find(0)).toBe(true)
  list.remove()
  expect([list.end, lists[1 + 31], lists[1 + 64 + 31]]).toEqual([1 + 2 * 64, 1, 3])
})

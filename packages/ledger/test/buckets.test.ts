import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { BUCKETS, bucketOf, type Change, StateTree } from '../src/index.ts'
import { BucketList } from '../src/tree/bucket-list.ts'
import { Buckets } from '../src/tree/buckets.ts'

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

describe('the lists of all buckets', () => {
  const ENTRY = 64
  /** Entries that tell buckets, times and places apart. */
  const listOf = (bucket: number, time: number, entries: number): Buffer => {
    const list = Buffer.alloc(entries * ENTRY)
    for (let i = 0; i < entries; i++) list.writeUInt32BE(time, list.writeUInt32BE(bucket * 4_096 + i, i * ENTRY))
    return list
  }

  it('are what was put last, however often they move', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(20), fc.oneof(fc.nat(12), fc.nat(300), fc.constant(2_500))), { maxLength: 400 }),
        (steps) => {
          const buckets = new Buckets()
          const held = new Map<number, Buffer>()
          for (const [time, [bucket, entries]] of steps.entries()) {
            const list = listOf(bucket, time, entries)
            // From somewhere within a longer buffer, as edits are.
            buckets.set(bucket, Buffer.concat([Buffer.alloc(3), list, Buffer.alloc(5)]), 3, 3 + list.byteLength)
            held.set(bucket, list)
          }
          for (let bucket = 0; bucket <= 20; bucket++) {
            const expected = held.get(bucket) ?? Buffer.alloc(0)
            const target = Buffer.alloc(expected.byteLength)
            expect(buckets.byteLength(bucket)).toBe(expected.byteLength)
            buckets.copyTo(target, 0, bucket)
            expect(target.equals(expected)).toBe(true)
          }
          expect(buckets.size).toBe([...held.values()].reduce((sum, list) => sum + list.byteLength / ENTRY, 0))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('take memory by what is in use, and not by how often they were written', () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow')
    const buckets = new Buckets()
    for (let time = 0; time < 4_000; time++) {
      const list = listOf(time % 7, time, 1 + ((time * 31) % 90))
      buckets.set(time % 7, list, 0, list.byteLength)
    }
    // 12 MB were written, and 40 KB at most are in use at a time.
    const bytes = allocate.mock.calls.reduce((sum, [length]) => sum + length, 0)
    allocate.mockRestore()
    expect(bytes).toBeLessThan(600_000)
  })
})

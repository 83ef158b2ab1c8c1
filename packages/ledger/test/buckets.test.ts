import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { BUCKETS, bucketOf, type Change, StateTree } from '../src/index.ts'
import { BucketEdits } from '../src/tree/bucket-edits.ts'
import { Buckets } from '../src/tree/buckets.ts'
import { EntryLists } from '../src/tree/entry-lists.ts'
import { ListWriter } from '../src/tree/list-writer.ts'

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
  const entries = Buffer.alloc(3 * 64)
  for (const [i, last] of [2, 1, 3].entries()) entries[i * 64 + 31] = last
  // With too little room for all of them.
  const list = new ListWriter(entries, 70)
  list.begin()
  for (const source of [0, 64, 128]) {
    expect(list.find(source)).toBe(false)
    list.put(false)
  }
  expect(Array.from({ length: 3 }, (_, i) => list.bytes[1 + i * 64 + 31])).toEqual([1, 2, 3])
  expect(list.find(0)).toBe(true)
  list.remove()
  expect([list.end, list.bytes[1 + 31], list.bytes[1 + 64 + 31]]).toEqual([1 + 2 * 64, 1, 3])
})

const ENTRY = 64
/** All entries at and below a place. */
function entriesAt(lists: Pick<Buckets, 'appendTo'>, place: number): Buffer {
  const writer = new ListWriter(Buffer.alloc(0), 0)
  writer.begin()
  lists.appendTo(writer, place)
  return writer.bytes.subarray(1, writer.end)
}

/** Entries of keys whose hashes differ behind so many bits. */
const rowsOf = (count: number, bits: number): Buffer => {
  const rows = Buffer.alloc(count * ENTRY)
  for (let i = 0; i < count; i++) {
    rows.writeUInt32BE(bits >= 32 ? 0 : i % 2 ** (32 - bits), i * ENTRY)
    rows.writeUInt32BE(i, i * ENTRY + 28)
  }
  return Buffer.concat(
    Array.from({ length: count }, (_, i) => rows.subarray(i * ENTRY, (i + 1) * ENTRY)).toSorted((a, b) => a.compare(b)),
  )
}

/** Puts all of them into the first bucket, and gives its hash. */
const put = (buckets: Buckets, rows: Buffer): Buffer => {
  const writer = new ListWriter(rows, 0)
  const edits = new BucketEdits(writer)
  const start = writer.begin()
  writer.append(rows, 0, rows.byteLength)
  edits.addList(0, 0, start)
  edits.hash(buckets)
  edits.commit(buckets)
  return edits.dirty.hashes
}

/** Entries that tell buckets, times and places apart. */
const listOf = (bucket: number, time: number, entries: number): Buffer => {
  const list = Buffer.alloc(entries * ENTRY)
  for (let i = 0; i < entries; i++) list.writeUInt32BE(time, list.writeUInt32BE(bucket * 4_096 + i, i * ENTRY))
  return list
}

describe('what lies below buckets', () => {
  it('is the entries that were put there, in their order, whatever was there before', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 16, max: 34 })), { maxLength: 12 }), (steps) => {
        const buckets = new Buckets()
        for (const [count, bits] of steps) {
          const rows = rowsOf(count, bits)
          const hash = put(buckets, rows)
          expect(entriesAt(buckets, 0).equals(rows)).toBe(true)
          expect(buckets.size).toBe(count)
          expect(put(new Buckets(), rows)).toEqual(hash)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('is one list of any length where hashes agree in 32 bits', () => {
    const buckets = new Buckets()
    put(buckets, rowsOf(500, 32))
    let [place, depth] = [0, 0]
    for (; buckets.nodeAt(place) !== 0; depth++) place = buckets.placeIn(buckets.nodeAt(place), 0)
    expect(depth).toBe(8)
    expect(entriesAt(buckets, place).byteLength).toBe(500 * ENTRY)
  })

  it('uses the places of nodes that are gone for the next ones', () => {
    const buckets = new Buckets()
    put(buckets, rowsOf(200, 24))
    const { places } = buckets
    for (let time = 0; time < 50; time++) {
      put(buckets, rowsOf(time % 2 === 0 ? 10 : 200, 24))
      expect(buckets.places).toBe(places)
    }
  })
})

describe('lists by their place', () => {
  it('are what was put last, however often they move', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(20), fc.oneof(fc.nat(12), fc.nat(300), fc.constant(2_500))), { maxLength: 400 }),
        (steps) => {
          const lists = new EntryLists(3)
          const held = new Map<number, Buffer>()
          for (const [time, [bucket, entries]] of steps.entries()) {
            const list = listOf(bucket, time, entries)
            // From somewhere within a longer buffer, as edits are.
            if (time === 2) lists.grow(21)
            if (time < 2 && bucket > 2) continue
            lists.set(bucket, Buffer.concat([Buffer.alloc(3), list, Buffer.alloc(5)]), 3, 3 + list.byteLength)
            held.set(bucket, list)
          }
          for (let bucket = 0; bucket <= 20; bucket++) {
            const expected = held.get(bucket) ?? Buffer.alloc(0)
            expect(lists.byteLength(bucket)).toBe(expected.byteLength)
            expect(entriesAt(lists, bucket).equals(expected)).toBe(true)
          }
          expect(lists.size).toBe([...held.values()].reduce((sum, list) => sum + list.byteLength / ENTRY, 0))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('take memory by what is in use, and not by how often they were written', () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow')
    const lists = new EntryLists(7)
    for (let time = 0; time < 4_000; time++) {
      const list = listOf(time % 7, time, 1 + ((time * 31) % 90))
      lists.set(time % 7, list, 0, list.byteLength)
    }
    // 12 MB were written, and 40 KB at most are in use at a time.
    const bytes = allocate.mock.calls.reduce((sum, [length]) => sum + length, 0)
    allocate.mockRestore()
    expect(bytes).toBeLessThan(600_000)
  })
})

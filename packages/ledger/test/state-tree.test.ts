import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import {
  bucketOf,
  type Change,
  decodePiece,
  encodePiece,
  type Entry,
  invert,
  KeysByBucket,
  type Piece,
  StateTree,
  verifyPiece,
} from '../src/index.ts'
import { readerOf, readOrRefuse } from './helpers.ts'

// Hundreds of chains and trees: the bound is for a hang, not for a slow machine.
vi.setConfig({ testTimeout: 60_000 })

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()

/** The root as the README defines it, from nothing, with other code than that which is tested. */
function slowRoot(entries: readonly Entry[]): Buffer {
  const lists = new Map<number, Buffer[]>()
  for (const [key, value] of entries) {
    const bucket = sha256(key).readUInt16BE(0)
    lists.set(bucket, [...(lists.get(bucket) ?? []), Buffer.concat([sha256(key), sha256(value)])])
  }
  const empty = sha256(Uint8Array.of(0))
  let level = Array.from({ length: 65_536 }, (_, bucket) => {
    const list = lists.get(bucket)
    return list === undefined
      ? empty
      : slowList(
          list.toSorted((a, b) => a.compare(b)),
          16,
        )
  })
  while (level.length > 1) {
    level = Array.from({ length: level.length / 16 }, (_, i) =>
      sha256(Uint8Array.of(1), ...level.slice(i * 16, i * 16 + 16)),
    )
  }
  return level[0] ?? empty
}

function slowList(list: readonly Buffer[], bits: number): Buffer {
  if (list.length <= 32 || bits === 32) return sha256(Uint8Array.of(0), ...list)
  const quarter = (entry: Buffer): number => (entry.readUInt32BE(0) >>> (30 - bits)) & 3
  const parts = [0, 1, 2, 3].map((number) => list.filter((entry) => quarter(entry) === number))
  return sha256(Uint8Array.of(1), ...parts.map((part) => slowList(part, bits + 2)))
}

/** Keys of the first bucket, more than go into a list, and than into four. */
const { numbers } = JSON.parse(readFileSync(new URL('fixtures/one-bucket.json', import.meta.url), 'utf8')) as {
  numbers: number[]
}
const ofOneBucket = numbers.map((number) => {
  const key = Buffer.alloc(4)
  key.writeUInt32BE(number)
  return key
})

/** Keys that crowd into few buckets, so that lists are inserted into, replaced and shortened. */
const crowded = Array.from({ length: 400_000 }, (_, i) => Buffer.from(`key ${i}`)).filter((key) => bucketOf(key) < 8)
const keys = fc.constantFrom(...crowded)
const values = fc.uint8Array({ maxLength: 6 })
const states = fc
  .uniqueArray(fc.tuple(keys, values), { maxLength: 30, selector: ([key]) => key.toString() })
  .map((rows): Entry[] => rows)
/** Of some dozen keys to all of them, and so with and without nodes below the bucket. */
const crowds = fc
  .tuple(fc.shuffledSubarray(ofOneBucket, { minLength: 5 }), fc.uint8Array({ minLength: 1, maxLength: 6 }))
  .map(([some, value]) => some.map((key, i): Entry => [key, Buffer.concat([value, Buffer.of(i % 3)])]))
const asChanges = (entries: readonly Entry[]): Change[] =>
  entries.map(([key, after]) => ({ key, before: undefined, after }))

const name = ([key]: Entry): string => Buffer.from(key).toString('latin1')

/** What turns one state into another. */
function between(from: readonly Entry[], to: readonly Entry[]): Change[] {
  const [before, after] = [from, to].map((rows) => new Map(rows.map((row) => [name(row), row[1]])))
  const all = new Map([...from, ...to].map((row) => [name(row), row[0]]))
  return [...all].map(([text, key]) => ({ key, before: before?.get(text), after: after?.get(text) }))
}

it('has the root that its definition gives, for no entries and for random ones', () => {
  expect(Buffer.from(new StateTree().root)).toEqual(slowRoot([]))
  fc.assert(
    fc.property(states, (entries) => {
      expect(Buffer.from(StateTree.from(entries).root)).toEqual(slowRoot(entries))
    }),
    { numRuns: 8 },
  )
})

it('goes from any state to any other at the cost of the changes, with the root of one built from nothing', () => {
  fc.assert(
    fc.property(states, states, (from, to) => {
      const tree = StateTree.from(from)
      tree.apply(between(from, to))
      expect(tree.root).toEqual(StateTree.from(to).root)
      expect(tree.size).toBe(to.length)
    }),
    { numRuns: 25 },
  )
})

it('splits a bucket and puts it together again as its entries come and go, with the root that its definition gives', () => {
  expect(new Set(ofOneBucket.map((key) => bucketOf(key)))).toEqual(new Set([0]))
  fc.assert(
    fc.property(fc.array(crowds, { minLength: 1, maxLength: 6 }), (all) => {
      const tree = new StateTree()
      let held: Entry[] = []
      for (const next of all) {
        const { root } = tree
        const changes = between(held, next)
        tree.apply(changes)
        expect(Buffer.from(tree.root)).toEqual(slowRoot(next))
        tree.apply(invert(changes))
        expect(tree.root).toEqual(root)
        expect(tree.size).toBe(held.length)
        tree.apply(changes)
        held = next
      }
      const piece = decodePiece(encodePiece(tree.piece(0, 16, readerOf(held))))
      const [first] = all
      const other = StateTree.from(first ?? [])
      expect(other.putPiece(tree.root, piece)).toBeUndefined()
      expect(other.root).toEqual(tree.root)
      other.apply(between(held, first ?? []))
      expect(Buffer.from(other.root)).toEqual(slowRoot(first ?? []))
    }),
    { numRuns: 40 },
  )
})

it('refuses false changes of a split bucket, and is as before', () => {
  const entries = ofOneBucket.slice(1).map((key): Entry => [key, Buffer.of(1)])
  const tree = StateTree.from(entries)
  const { root } = tree
  const [key = Buffer.alloc(0)] = ofOneBucket
  const [held = Buffer.alloc(0)] = ofOneBucket.slice(1)
  const of = (change: Change) => () => tree.apply([change])
  expect(of({ key, before: Buffer.of(1), after: undefined })).toThrow(expect.objectContaining({ code: 'not-held' }))
  expect(of({ key: held, before: undefined, after: Buffer.of(2) })).toThrow(
    expect.objectContaining({ code: 'already-held' }),
  )
  // So many that the bucket would be a list again, of which one is not there.
  const gone = [...ofOneBucket.slice(1, 190), key].map((each) => ({
    key: each,
    before: Buffer.of(1),
    after: undefined,
  }))
  expect(() => tree.apply(gone)).toThrow(expect.objectContaining({ code: 'not-held' }))
  expect(tree.root).toEqual(root)
  tree.apply(gone.slice(0, -1))
  expect(Buffer.from(tree.root)).toEqual(slowRoot(entries.slice(189)))
})

it('does not mind the order in which entries come', () => {
  fc.assert(
    fc.property(
      states.chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length }))),
      ([rows, shuffled]) => {
        expect(StateTree.from(shuffled).root).toEqual(StateTree.from(rows).root)
      },
    ),
    { numRuns: 25 },
  )
})

it('has the identical root after changes and their undoing', () => {
  fc.assert(
    fc.property(states, states, (from, to) => {
      const tree = StateTree.from(from)
      const { root } = tree
      const changes = between(from, to)
      tree.apply(changes)
      tree.apply(invert(changes))
      expect(tree.root).toEqual(root)
      expect(tree.size).toBe(from.length)
    }),
    { numRuns: 25 },
  )
})

it('is as before while an update is not committed, and refuses one that is stale', () => {
  const tree = StateTree.from([[crowded[0] ?? Buffer.alloc(0), Buffer.of(1)]])
  const { root } = tree
  const [one, two] = [1, 2].map((i) => tree.prepare(asChanges([[crowded[i] ?? Buffer.alloc(0), Buffer.of(i)]])))
  expect(tree.root).toEqual(root)
  one?.commit()
  expect(tree.root).toEqual(one?.root)
  expect(() => two?.commit()).toThrow(expect.objectContaining({ name: 'StateTreeError', code: 'stale-update' }))
  expect(() => one?.commit()).toThrow(expect.objectContaining({ code: 'stale-update' }))
  expect(tree.root).toEqual(one?.root)
})

it('refuses to take out what it does not hold and to put in what it does', () => {
  const [key, after] = [Buffer.from('a'), Buffer.of(1)]
  const tree = StateTree.from([[key, after]])
  const { root } = tree
  const notHeld = { key: Buffer.from('b'), before: after, after: undefined }
  expect(() => tree.apply([notHeld])).toThrow(expect.objectContaining({ code: 'not-held' }))
  expect(() => tree.apply([{ key, before: undefined, after }])).toThrow(
    expect.objectContaining({ code: 'already-held' }),
  )
  expect(() =>
    StateTree.from([
      [key, after],
      [key, after],
    ]),
  ).toThrow(expect.objectContaining({ code: 'already-held' }))
  expect(tree.root).toEqual(root)
})

const ranges = fc
  .oneof(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 40 })), fc.tuple(fc.nat(65_535), fc.constantFrom(1, 16, 4_097)))
  .map(([first, count]) => ({ first, count: Math.min(count, 65_536 - first) }))

it('gives pieces that are proved by the root, through their encoding, whatever the range', () => {
  fc.assert(
    fc.property(states, ranges, (entries, { first, count }) => {
      const tree = StateTree.from(entries)
      const piece = decodePiece(encodePiece(tree.piece(first, count, readerOf(entries))))
      expect(verifyPiece(tree.root, piece)).toBeUndefined()
      const due = entries.filter(([key]) => bucketOf(key) >= first && bucketOf(key) < first + count)
      expect(piece.entries.length).toBe(due.length)
    }),
    { numRuns: 25 },
  )
})

it('covers the whole state by pieces side by side', () => {
  const entries = crowded.map((key, i): Entry => [key, Buffer.of(i % 256)])
  const tree = StateTree.from(entries)
  const pieces = [0, 3, 8, 4_097].map((first, i, all) =>
    tree.piece(first, (all[i + 1] ?? 65_536) - first, readerOf(entries)),
  )
  const again = StateTree.from(pieces.flatMap((piece) => piece.entries))
  expect(again.root).toEqual(tree.root)
  expect(again.size).toBe(crowded.length)
})

it('is the tree of a state once all of its pieces are in it, in any order and twice, and goes on from there', () => {
  fc.assert(
    fc.property(states, states, fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (entries, later, order) => {
      const tree = StateTree.from(entries)
      const quarter = 16_384
      const pieces = order.map((i) => tree.piece(i * quarter, quarter, readerOf(entries)))
      const again = new StateTree()
      for (const piece of [...pieces, ...pieces]) expect(again.putPiece(tree.root, piece)).toBeUndefined()
      expect(again.root).toEqual(tree.root)
      expect(again.size).toBe(entries.length)
      again.apply(between(entries, later))
      expect(again.root).toEqual(StateTree.from(later).root)
    }),
    { numRuns: 10 },
  )
})

it('is as before when a false piece is put into it', () => {
  const [entries, others] = [crowded.slice(0, 40), crowded.slice(20, 60)].map((some) =>
    some.map((key): Entry => [key, Buffer.of(1)]),
  ) as [Entry[], Entry[]]
  const [tree, other] = [StateTree.from(entries), StateTree.from(others)]
  const before = tree.root
  expect(tree.putPiece(tree.root, other.piece(0, 16, readerOf(others)))).toBe('wrong-root')
  expect(tree.root).toEqual(before)
  expect(tree.size).toBe(entries.length)
})

it('refuses a piece with any byte changed, any entry left out, twice, added or moved', () => {
  const ways = fc.constantFrom('flip', 'add', 'leave out', 'repeat', 'move')
  fc.assert(
    fc.property(states, fc.nat(), fc.integer({ min: 1, max: 255 }), ways, (entries, where, flip, how) => {
      const tree = StateTree.from(entries)
      const piece = tree.piece(0, 9, readerOf(entries))
      const tampered = how === 'flip' ? flipped(piece, where, flip) : edited(piece, how, where)
      const verdict = tampered === undefined ? 'wrong-encoding' : verdictOn(tree, tampered, entries)
      expect(verdict).toMatch(/^wrong-|^true piece of another range$/)
    }),
    { numRuns: 100 },
  )
})

/**
 * A byte of the range may turn a piece into the true one of another range, of empty buckets beside empty buckets say:
 * that is no lie about the state. Whoever asked compares the range with what was asked for.
 */
function verdictOn(tree: StateTree, piece: Piece, entries: readonly Entry[]): string {
  const fault = verifyPiece(tree.root, piece)
  if (fault !== undefined) return fault
  const { first, count } = piece
  const due = encodePiece(tree.piece(first, count, readerOf(entries)))
  const isTrue = Buffer.compare(encodePiece(piece), due) === 0
  return isTrue && (first !== 0 || count !== 9) ? 'true piece of another range' : 'accepted'
}

/** The piece with a byte of its encoding changed; nothing where that can no longer be read. */
function flipped(piece: Piece, where: number, flip: number): Piece | undefined {
  const bytes = Buffer.from(encodePiece(piece))
  const place = where % bytes.length
  bytes[place] = (bytes[place] ?? 0) ^ flip
  return readOrRefuse(() => decodePiece(bytes))
}

function edited(piece: Piece, how: string, where: number): Piece {
  const { entries } = piece
  const index = where % Math.max(1, entries.length)
  const entry = entries[index]
  if (how === 'add' || entry === undefined || (how === 'move' && entries.length === 1)) {
    return { ...piece, entries: [...entries, [Buffer.from(`strange ${where}`), Buffer.of(1)]] }
  }
  const others = entries.toSpliced(index, 1)
  if (how === 'leave out') return { ...piece, entries: others }
  if (how === 'repeat') return { ...piece, entries: entries.toSpliced(index, 0, entry) }
  return { ...piece, entries: others.toSpliced((index + 1) % entries.length, 0, entry) }
}

it('takes a piece by what it says of itself, so that whoever asked has to compare the range', () => {
  const tree = new StateTree()
  const piece = tree.piece(0, 9, () => [])
  expect(verifyPiece(tree.root, { ...piece, first: 16 })).toBeUndefined()
  expect(verifyPiece(tree.root, { ...piece, first: 8 })).toBe('wrong-proof-length')
})

it('refuses a range outside the buckets and a reader of another state', () => {
  const tree = new StateTree()
  expect(() => tree.piece(65_535, 2, () => [])).toThrow(RangeError)
  expect(() => tree.piece(0, 0, () => [])).toThrow(RangeError)
  expect(() => tree.piece(0, 8, () => [[Buffer.from('a'), Buffer.of(1)]])).toThrow(
    expect.objectContaining({ code: 'wrong-reader' }),
  )
  const piece = tree.piece(0, 1, () => [])
  expect(verifyPiece(tree.root, { ...piece, first: -1 })).toBe('wrong-range')
  expect(verifyPiece(tree.root, { ...piece, proof: new Uint8Array(0) })).toBe('wrong-proof-length')
})

it('gives pieces of the state as it was when a snapshot was taken, whatever became of it', () => {
  fc.assert(
    fc.property(states, states, ranges, (from, to, { first, count }) => {
      const tree = StateTree.from(from)
      const before = tree.piece(first, count, readerOf(from))
      const snapshot = tree.snapshot()
      tree.apply(between(from, to))
      expect(snapshot.root).toEqual(StateTree.from(from).root)
      expect(snapshot.piece(first, count, readerOf(from))).toEqual(before)
    }),
    { numRuns: 15 },
  )
})

const texts = (found: readonly Uint8Array[]): string[] => found.map((key) => Buffer.from(key).toString())

it('finds the keys of any range of buckets, each once, also when more came after somebody had asked', () => {
  fc.assert(
    fc.property(states, states, ranges, fc.boolean(), (some, more, { first, count }, isAskedBetween) => {
      const index = new KeysByBucket()
      const all = [...some, ...more.filter((entry) => !some.some((other) => name(other) === name(entry)))]
      for (const [i, [key]] of all.entries()) {
        if (isAskedBetween && i === some.length) index.keys(0, 65_536)
        expect(index.add(key)).toBe(bucketOf(key))
      }
      const due = all.map(([key]) => key).filter((key) => bucketOf(key) >= first && bucketOf(key) < first + count)
      expect(new Set(texts(index.keys(first, count)))).toEqual(new Set(texts(due)))
      expect(index.keys(first, count)).toHaveLength(due.length)
      expect(index.keys(0, 65_536)).toHaveLength(index.size)
    }),
    { numRuns: 50 },
  )
})

it('holds keys of any length, and more of them than fit into one piece of memory', () => {
  const index = new KeysByBucket()
  const all = [0, 1, 40, 1_048_572, 1_048_573, 2_000_000].map((length) => Buffer.alloc(length, 7))
  for (let i = 0; i < 2_000; i++) all.push(Buffer.from(`key ${i}`.repeat(100)))
  for (const key of all) index.add(key)
  const found = index.keys(0, 65_536).map((key) => sha256(key).toString('hex'))
  expect(found).toHaveLength(all.length)
  expect(new Set(found)).toEqual(new Set(all.map((key) => sha256(key).toString('hex'))))
  for (const key of all.slice(0, 8)) expect(index.keys(bucketOf(key), 1).some((each) => key.equals(each))).toBe(true)
})

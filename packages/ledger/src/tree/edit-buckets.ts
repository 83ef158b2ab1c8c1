import { asBuffer } from '../buffers.ts'
import { toHex } from '../bytes.ts'
import { HASH_BYTES } from '../constants.ts'
import { HashBatch } from '../crypto/hash-batch.ts'
import { StateTreeError } from '../errors.ts'
import type { Change } from '../state/state-view.ts'
import type { Buckets } from './buckets.ts'
import { BucketEdits } from './bucket-edits.ts'
import { ListWriter } from './list-writer.ts'
import { DEPTHS, ENTRY_BYTES, LIST_ENTRIES, QUARTERS } from './tree-hash.ts'

/** Room for the number of a change beside the first 32 bits of the hash of its key. */
export const MOST_CHANGES = 2 ** 21
/** By how much a list may be longer than the others before its bytes are copied once more. */
const ROOM_TO_SPARE = 1.25

/** Works out what the buckets become by `changes`. @throws {StateTreeError} @throws {RangeError} for over 2^21 changes */
export function editBuckets(buckets: Buckets, changes: readonly Change[]): BucketEdits {
  if (changes.length > MOST_CHANGES)
    throw new RangeError(`${changes.length} changes, where ${MOST_CHANGES} are the most`)
  const entries = hashChanges(changes)
  const editor = new Editor(buckets, changes, entries)
  editor.edit()
  editor.edits.hash(buckets)
  return editor.edits
}

/** One walk over the buckets, list by list, with the changes that fall into each. */
class Editor {
  readonly edits: BucketEdits
  readonly #buckets: Buckets
  readonly #changes: readonly Change[]
  readonly #writer: ListWriter
  /** The changes by ascending key: the first 32 bits of its hash, and the number of the change. */
  readonly #order: Float64Array

  constructor(buckets: Buckets, changes: readonly Change[], entries: Buffer) {
    this.#buckets = buckets
    this.#changes = changes
    this.#order = inOrder(entries, changes.length)
    this.#writer = new ListWriter(entries, roomFor(buckets, changes.length))
    this.edits = new BucketEdits(this.#writer)
  }

  edit(): void {
    this.#eachPrefix(0, 0, this.#order.length, (bucket, from, to) => this.#editPlace(bucket, bucket, 0, from, to))
  }

  /** Edits what is at `place`, by the changes from `from` to `to`, all of which have that prefix. */
  #editPlace(place: number, prefix: number, depth: number, from: number, to: number): void {
    const node = this.#buckets.nodeAt(place)
    const count = node === 0 ? 0 : this.#countAfter(node, from, to)
    if (count <= LIST_ENTRIES) {
      this.#editList(place, prefix, depth, from, to)
      return
    }
    const children = this.edits.lengthAt(depth + 1)
    this.#eachPrefix(depth + 1, from, to, (child, first, last) => {
      this.#editPlace(this.#buckets.placeIn(node, child % QUARTERS), child, depth + 1, first, last)
    })
    this.edits.addNode(prefix, depth, node, count, children)
  }

  #editList(place: number, prefix: number, depth: number, from: number, to: number): void {
    const start = this.#writer.begin()
    this.#buckets.appendTo(this.#writer, place)
    for (let at = from; at < to; at++) {
      const member = (this.#order[at] ?? 0) % MOST_CHANGES
      this.#editEntry(member, this.#changes[member])
    }
    this.edits.addList(prefix, depth, start)
  }

  /** Puts in, replaces or takes out the entry of a change. */
  #editEntry(member: number, change: Change | undefined): void {
    const isHeld = this.#writer.find(member * ENTRY_BYTES)
    if (isHeld !== (change?.before !== undefined)) {
      const code = isHeld ? 'already-held' : 'not-held'
      throw new StateTreeError(code, `key ${toHex(change?.key ?? Buffer.alloc(0))}`)
    }
    if (change?.after !== undefined) this.#writer.put(isHeld)
    else if (isHeld) this.#writer.remove()
  }

  /** Entries below a node, if the changes are what they say: whether each is, is seen at its list. */
  #countAfter(node: number, from: number, to: number): number {
    let count = this.#buckets.countBelow(node)
    for (let at = from; at < to; at++) {
      const change = this.#changes[(this.#order[at] ?? 0) % MOST_CHANGES]
      count += (change?.after === undefined ? 0 : 1) - (change?.before === undefined ? 0 : 1)
    }
    return count
  }

  /** Calls `edit` for each prefix that changes from `from` to `to` have at a depth, with those that have it. */
  #eachPrefix(depth: number, from: number, to: number, edit: (prefix: number, from: number, to: number) => void): void {
    const unit = MOST_CHANGES * QUARTERS ** (DEPTHS - depth)
    for (let first = from; first < to;) {
      const prefix = Math.floor((this.#order[first] ?? 0) / unit)
      let last = first + 1
      while (last < to && Math.floor((this.#order[last] ?? 0) / unit) === prefix) last++
      edit(prefix, first, last)
      first = last
    }
  }
}

/** The hashes of each key and of what is to be under it. */
function hashChanges(changes: readonly Change[]): Buffer {
  const entries = Buffer.allocUnsafeSlow(changes.length * ENTRY_BYTES)
  const batch = new HashBatch(entries)
  let at = 0
  for (const { key, after } of changes) {
    batch.add(at, asBuffer(key))
    if (after !== undefined) batch.add(at + HASH_BYTES, asBuffer(after))
    at += ENTRY_BYTES
  }
  batch.finish()
  return entries
}

function inOrder(entries: Buffer, count: number): Float64Array {
  const order = new Float64Array(count)
  for (let i = 0; i < count; i++) order[i] = entries.readUInt32BE(i * ENTRY_BYTES) * MOST_CHANGES + i
  // Numbers sort without a comparator, and so many times faster than pairs.
  return order.toSorted()
}

/** Bytes for the lists that so many changes touch, as far as lists are of a length. */
function roomFor(buckets: Buckets, changes: number): number {
  const touched = Math.min(1, changes / buckets.places)
  return Math.ceil(changes * (1 + ENTRY_BYTES) + ROOM_TO_SPARE * touched * buckets.size * ENTRY_BYTES)
}

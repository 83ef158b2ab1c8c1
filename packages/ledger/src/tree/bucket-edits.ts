import { toHex } from '../bytes.ts'
import { HASH_BYTES } from '../constants.ts'
import { sha256Into } from '../crypto/sha256.ts'
import { StateTreeError } from '../errors.ts'
import type { Change } from '../state/state-view.ts'
import type { Buckets } from './buckets.ts'
import { type DirtyHashes, ENTRY_BYTES, LEAF } from './tree-hash.ts'

const BUCKET_UNIT = 2 ** 32

/** What some buckets are to become. */
export interface BucketEdits {
  /** The buckets, ascending, and their new hashes. */
  dirty: DirtyHashes
  /** Their entries one bucket after the other, each behind the byte of a leaf. */
  lists: Buffer
  /** Where each list ends in `lists`. */
  ends: Uint32Array
}

/** Applies `changes` to copies of the buckets that they fall into. @throws {StateTreeError} */
export function editBuckets(buckets: Buckets, changes: readonly Change[]): BucketEdits {
  const entries = hashChanges(changes)
  const order = orderByBucket(entries, changes.length)
  const places = Uint32Array.from(new Set(order.map(bucketIn)))
  const room = places.reduce((sum, bucket) => sum + 1 + buckets.byteLength(bucket), changes.length * ENTRY_BYTES)
  const lists = Buffer.allocUnsafeSlow(room)
  const ends = new Uint32Array(places.length)
  const hashes = Buffer.allocUnsafeSlow(places.length * HASH_BYTES)
  let at = 0
  let next = 0
  for (const [i, bucket] of places.entries()) {
    const list = new BucketList(lists, at, buckets.byteLength(bucket))
    buckets.copyTo(lists, at + 1, bucket)
    for (let one = order[next]; one !== undefined && bucketIn(one) === bucket; one = order[++next]) {
      const member = one % BUCKET_UNIT
      list.edit(entries, member * ENTRY_BYTES, changes[member])
    }
    sha256Into(hashes, i * HASH_BYTES, lists.subarray(at, list.end))
    at = ends[i] = list.end
  }
  return { dirty: { places, hashes }, lists, ends }
}

/** Takes the edits over. */
export function commitEdits(buckets: Buckets, { dirty, lists, ends }: BucketEdits): void {
  let start = 0
  for (const [i, bucket] of dirty.places.entries()) {
    const end = ends[i] ?? start
    buckets.set(bucket, lists.subarray(start + 1, end))
    start = end
  }
}

/** The hashes of each key and of what is to be under it. */
function hashChanges(changes: readonly Change[]): Buffer {
  const entries = Buffer.allocUnsafeSlow(changes.length * ENTRY_BYTES)
  for (const [i, { key, after }] of changes.entries()) {
    sha256Into(entries, i * ENTRY_BYTES, key)
    if (after !== undefined) sha256Into(entries, i * ENTRY_BYTES + HASH_BYTES, after)
  }
  return entries
}

/** The changes by ascending bucket: each a number, the bucket in `BUCKET_UNIT`s and the place of the change. */
function orderByBucket(entries: Buffer, count: number): Float64Array {
  const order = new Float64Array(count)
  for (let i = 0; i < count; i++) order[i] = entries.readUInt16BE(i * ENTRY_BYTES) * BUCKET_UNIT + i
  // Numbers sort without a comparator, and so many times faster than pairs.
  return order.toSorted()
}

function bucketIn(ordered: number): number {
  return Math.floor(ordered / BUCKET_UNIT)
}

/** The list of one bucket while it is edited, behind the byte of a leaf. */
class BucketList {
  readonly #bytes: Buffer
  readonly #start: number
  #end: number

  constructor(bytes: Buffer, at: number, length: number) {
    bytes[at] = LEAF
    this.#bytes = bytes
    this.#start = at + 1
    this.#end = at + 1 + length
  }

  get end(): number {
    return this.#end
  }

  /** Puts in, replaces or takes out the entry at `source` of `entries`. */
  edit(entries: Buffer, source: number, change: Change | undefined): void {
    const place = this.#find(entries, source)
    const isHeld = this.#compare(place, entries, source) === 0
    if (isHeld !== (change?.before !== undefined)) {
      const code = isHeld ? 'already-held' : 'not-held'
      throw new StateTreeError(code, `key ${toHex(change?.key ?? Buffer.alloc(0))}`)
    }
    if (change?.after === undefined) {
      if (isHeld) this.#move(place + ENTRY_BYTES, place)
      return
    }
    if (!isHeld) this.#move(place, place + ENTRY_BYTES)
    entries.copy(this.#bytes, place, source, source + ENTRY_BYTES)
  }

  #move(from: number, to: number): void {
    this.#bytes.copyWithin(to, from, this.#end)
    this.#end += to - from
  }

  /** Where the entry is, or would have to be. */
  #find(entries: Buffer, source: number): number {
    let low = 0
    let high = (this.#end - this.#start) / ENTRY_BYTES
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(this.#start + middle * ENTRY_BYTES, entries, source) < 0) low = middle + 1
      else high = middle
    }
    return this.#start + low * ENTRY_BYTES
  }

  /** The key at `place` against that at `source`; nothing is after everything. */
  #compare(place: number, entries: Buffer, source: number): number {
    if (place >= this.#end) return 1
    return this.#bytes.compare(entries, source, source + HASH_BYTES, place, place + HASH_BYTES)
  }
}

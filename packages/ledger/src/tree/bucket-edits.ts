import { asBuffer, toHex } from '../bytes.ts'
import { HASH_BYTES } from '../constants.ts'
import { HashBatch } from '../crypto/hash-batch.ts'
import { StateTreeError } from '../errors.ts'
import type { Change } from '../state/state-view.ts'
import { BucketList } from './bucket-list.ts'
import type { Buckets } from './buckets.ts'
import { type DirtyHashes, ENTRY_BYTES } from './tree-hash.ts'

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
  const places = placesIn(order)
  const lists = Buffer.allocUnsafeSlow(roomFor(buckets, places, changes.length))
  const ends = new Uint32Array(places.length)
  const hashes = Buffer.allocUnsafeSlow(places.length * HASH_BYTES)
  const batch = new HashBatch(hashes)
  const list = new BucketList(lists, entries)
  let next = 0
  for (let i = 0; i < places.length; i++) {
    const bucket = places[i] ?? 0
    const start = list.end
    list.begin(buckets.byteLength(bucket))
    buckets.copyTo(lists, start + 1, bucket)
    for (let one = order[next]; one !== undefined && bucketIn(one) === bucket; one = order[++next]) {
      const member = one % BUCKET_UNIT
      edit(list, member, changes[member])
    }
    batch.add(i * HASH_BYTES, lists, start, list.end)
    ends[i] = list.end
  }
  batch.finish()
  return { dirty: { places, hashes }, lists, ends }
}

/** Takes the edits over. */
export function commitEdits(buckets: Buckets, { dirty: { places }, lists, ends }: BucketEdits): void {
  let start = 0
  for (let i = 0; i < places.length; i++) {
    const end = ends[i] ?? start
    buckets.set(places[i] ?? 0, lists, start + 1, end)
    start = end
  }
}

/** Puts in, replaces or takes out the entry of a change. @throws {StateTreeError} */
function edit(list: BucketList, member: number, change: Change | undefined): void {
  const isHeld = list.find(member * ENTRY_BYTES)
  if (isHeld !== (change?.before !== undefined)) {
    const code = isHeld ? 'already-held' : 'not-held'
    throw new StateTreeError(code, `key ${toHex(change?.key ?? Buffer.alloc(0))}`)
  }
  if (change?.after !== undefined) list.put(isHeld)
  else if (isHeld) list.remove()
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

/** The changes by ascending bucket: each a number, the bucket in `BUCKET_UNIT`s and the place of the change. */
function orderByBucket(entries: Buffer, count: number): Float64Array {
  const order = new Float64Array(count)
  for (let i = 0; i < count; i++) order[i] = entries.readUInt16BE(i * ENTRY_BYTES) * BUCKET_UNIT + i
  // Numbers sort without a comparator, and so many times faster than pairs.
  return order.toSorted()
}

/** The buckets, each once. */
function placesIn(order: Float64Array): Uint32Array {
  const places = new Uint32Array(order.length)
  let count = 0
  for (const one of order) {
    const bucket = bucketIn(one)
    if (count === 0 || places[count - 1] !== bucket) places[count++] = bucket
  }
  return places.subarray(0, count)
}

/** Bytes for the lists, if nothing is taken out. */
function roomFor(buckets: Buckets, places: Uint32Array, changes: number): number {
  let room = changes * ENTRY_BYTES + places.length
  for (const bucket of places) room += buckets.byteLength(bucket)
  return room
}

function bucketIn(ordered: number): number {
  return Math.floor(ordered / BUCKET_UNIT)
}

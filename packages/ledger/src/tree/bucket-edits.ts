import { copyBytes } from '../buffers.ts'
import { HASH_BYTES } from '../constants.ts'
import { HashBatch } from '../crypto/hash-batch.ts'
import type { Buckets } from './buckets.ts'
import type { ListWriter } from './list-writer.ts'
import {
  DEPTHS,
  type DirtyHashes,
  emptyQuarters,
  ENTRY_BYTES,
  LIST_ENTRIES,
  NODE,
  QUARTERS,
  QUARTERS_BYTES,
} from './tree-hash.ts'

/** In the place of a node: that it is a list, or a node that there was not. */
const LIST = -1
const NEW = 0
const BITS = 2

const scratch = Buffer.alloc(1 + QUARTERS_BYTES, NODE)

/** What the lists and nodes of one depth are to become, ascending. */
class DepthEdits {
  /** The first bits of the keys below each, 16 and two for each level below the buckets. */
  readonly prefixes: number[] = []
  readonly nodes: number[] = []
  /** Of a list its bytes, behind the byte of a leaf; of a node those of its children that are edited. */
  readonly starts: number[] = []
  readonly ends: number[] = []
  /** Entries below a node. */
  readonly counts: number[] = []
  hashes = Buffer.alloc(0)

  get length(): number {
    return this.prefixes.length
  }

  add(prefix: number, node: number, start: number, end: number, count: number): void {
    this.prefixes.push(prefix)
    this.nodes.push(node)
    this.starts.push(start)
    this.ends.push(end)
    this.counts.push(count)
  }
}

/** What some buckets are to become: made list by list, ascending, hashed, and taken over. */
export class BucketEdits {
  readonly #depths = Array.from({ length: DEPTHS + 1 }, () => new DepthEdits())
  readonly #writer: ListWriter

  /** Of the lists that `writer` writes. */
  constructor(writer: ListWriter) {
    this.#writer = writer
  }

  /** The buckets, and their new hashes once there are any. */
  get dirty(): DirtyHashes {
    const { prefixes, hashes } = this.#at(0)
    return { places: Uint32Array.from(prefixes), hashes }
  }

  /** How much is edited at a depth. */
  lengthAt(depth: number): number {
    return this.#at(depth).length
  }

  /** The newest list, which begins at `start`, is all entries with that prefix; too long a one is split. */
  addList(prefix: number, depth: number, start: number): void {
    const { end } = this.#writer
    const count = (end - start - 1) / ENTRY_BYTES
    if (count <= LIST_ENTRIES || depth === DEPTHS) {
      this.#at(depth).add(prefix, LIST, start, end, count)
      return
    }
    const children = this.lengthAt(depth + 1)
    for (let at = start + 1; at < end;) {
      const from = at
      const child = this.#prefixAt(at, depth + 1)
      while (at < end && this.#prefixAt(at, depth + 1) === child) at += ENTRY_BYTES
      const list = this.#writer.begin()
      this.#writer.append(this.#writer.bytes, from, at)
      this.addList(child, depth + 1, list)
    }
    this.addNode(prefix, depth, NEW, count, children)
  }

  /** A node with so many entries below it, whose edited children are those of the next depth from `children` on. */
  addNode(prefix: number, depth: number, node: number, count: number, children: number): void {
    this.#at(depth).add(prefix, node, children, this.lengthAt(depth + 1), count)
  }

  /** Hashes all of it, from below. Nodes that there are have their other hashes from `buckets`. */
  hash(buckets?: Buckets): void {
    for (let depth = DEPTHS; depth >= 0; depth--) {
      const edits = this.#at(depth)
      if (edits.length === 0) continue
      edits.hashes = Buffer.allocUnsafeSlow(edits.length * HASH_BYTES)
      const batch = new HashBatch(edits.hashes)
      for (let i = 0; i < edits.length; i++) this.#hashOne(batch, depth, i, buckets)
      batch.finish()
    }
  }

  /** Takes the edits over. */
  commit(buckets: Buckets): void {
    for (let depth = 0; depth <= DEPTHS; depth++) {
      const { prefixes, nodes, starts, ends, counts, hashes } = this.#at(depth)
      for (let i = 0; i < prefixes.length; i++) {
        const place = placeOf(buckets, prefixes[i] ?? 0, depth)
        if (nodes[i] === LIST) buckets.setList(place, this.#writer.bytes, (starts[i] ?? 0) + 1, ends[i] ?? 0)
        else if (nodes[i] === NEW) buckets.setNode(place)
        if (nodes[i] !== LIST) buckets.setCount(place, counts[i] ?? 0)
        if (depth > 0) buckets.setHash(place, hashes, i * HASH_BYTES)
      }
    }
  }

  #hashOne(batch: HashBatch, depth: number, i: number, buckets: Buckets | undefined): void {
    const { nodes, starts, ends, hashes } = this.#at(depth)
    const [node = LIST, start = 0, end = 0] = [nodes[i], starts[i], ends[i]]
    if (node !== LIST) {
      emptyQuarters().copy(scratch, 1)
      if (node !== NEW) buckets?.copyHashes(node, scratch, 1)
      const below = this.#at(depth + 1)
      for (let child = start; child < end; child++) {
        const at = 1 + ((below.prefixes[child] ?? 0) % QUARTERS) * HASH_BYTES
        copyBytes(below.hashes, child * HASH_BYTES, (child + 1) * HASH_BYTES, scratch, at)
      }
      batch.add(i * HASH_BYTES, scratch)
    } else if (end === start + 1) {
      // Of the pieces of a small state most are empty, and each would be hashed.
      copyBytes(emptyQuarters(), 0, HASH_BYTES, hashes, i * HASH_BYTES)
    } else batch.add(i * HASH_BYTES, this.#writer.bytes, start, end)
  }

  #prefixAt(at: number, depth: number): number {
    return this.#writer.bytes.readUInt32BE(at) >>> (BITS * (DEPTHS - depth))
  }

  #at(depth: number): DepthEdits {
    const edits = this.#depths[depth]
    if (edits === undefined) throw new RangeError(`depth is ${depth}, and must be 0 to ${DEPTHS}`)
    return edits
  }
}

/** Where what has that prefix is; the nodes above it are there. */
function placeOf(buckets: Buckets, prefix: number, depth: number): number {
  let place = prefix >>> (BITS * depth)
  for (let below = depth - 1; below >= 0; below--) {
    place = buckets.placeIn(buckets.nodeAt(place), (prefix >>> (BITS * below)) % QUARTERS)
  }
  return place
}

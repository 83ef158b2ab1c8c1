import { copyBytes } from '../buffers.ts'
import { BUCKETS, HASH_BYTES } from '../constants.ts'
import { EntryLists, grown } from './entry-lists.ts'
import type { ListWriter } from './list-writer.ts'
import { emptyQuarters, QUARTERS, QUARTERS_BYTES } from './tree-hash.ts'

/** Nodes whose hashes lie in one piece of memory. */
const NODES_PER_CHUNK = 1_024

/**
 * What lies below the hashes of the buckets. There is a list or a node at each place: a bucket is the place of its number,
 * and each node has four more.
 */
export class Buckets {
  readonly #lists = new EntryLists(BUCKETS)
  /** By place: the number of its node, from 1 on. */
  #nodes = new Uint32Array(BUCKETS)
  /** By node: the entries below it. Node 0 is none. */
  #counts = new Uint32Array(1)
  /** The hashes at the places of each node. */
  readonly #hashes: Buffer[] = []
  /** Nodes that were given up, for the next ones. */
  readonly #free: number[] = []
  #made = 0

  /** Entries in all buckets. */
  get size(): number {
    return this.#lists.size
  }

  /** Lists and nodes. */
  get places(): number {
    return BUCKETS + this.#made * QUARTERS
  }

  /** The node at `place`; 0 for a list. */
  nodeAt(place: number): number {
    return this.#nodes[place] ?? 0
  }

  /** The place of a quarter of a node. */
  placeIn(node: number, quarter: number): number {
    return BUCKETS + (node - 1) * QUARTERS + quarter
  }

  /** Entries below a node. */
  countBelow(node: number): number {
    return this.#counts[node] ?? 0
  }

  /** Puts the four hashes below `node` into `target` at `offset`. */
  copyHashes(node: number, target: Buffer, offset: number): void {
    const start = this.#hashesAt(node)
    this.#chunkOf(node)?.copy(target, offset, start, start + QUARTERS_BYTES)
  }

  /** Puts all entries at and below `place`, ascending, at the end of the list that is written. */
  appendTo(writer: ListWriter, place: number): void {
    const node = this.nodeAt(place)
    if (node === 0) this.#lists.appendTo(writer, place)
    else for (let quarter = 0; quarter < QUARTERS; quarter++) this.appendTo(writer, this.placeIn(node, quarter))
  }

  /** Has the bytes of `source` from `start` to `end` as the list at `place`, whatever was there. */
  setList(place: number, source: Buffer, start: number, end: number): void {
    this.#giveUp(place)
    this.#lists.set(place, source, start, end)
  }

  /** Has a node of empty lists at `place`, whatever was there. */
  setNode(place: number): void {
    this.#clear(place)
    const node = this.#free.pop() ?? this.#make()
    this.#nodes[place] = node
    emptyQuarters().copy(this.#chunkOf(node) ?? Buffer.alloc(0), this.#hashesAt(node))
  }

  setCount(place: number, count: number): void {
    this.#counts[this.nodeAt(place)] = count
  }

  /** Takes the hash in `source` at `offset` as that of `place`, which is in a node. */
  setHash(place: number, source: Buffer, offset: number): void {
    const node = Math.floor((place - BUCKETS) / QUARTERS) + 1
    const at = this.#hashesAt(node) + (place % QUARTERS) * HASH_BYTES
    const chunk = this.#chunkOf(node)
    if (chunk !== undefined) copyBytes(source, offset, offset + HASH_BYTES, chunk, at)
  }

  #clear(place: number): void {
    this.#giveUp(place)
    this.#lists.set(place, Buffer.alloc(0), 0, 0)
  }

  /** Gives up the node at `place` and all that is below it. */
  #giveUp(place: number): void {
    const node = this.nodeAt(place)
    if (node === 0) return
    for (let quarter = 0; quarter < QUARTERS; quarter++) this.#clear(this.placeIn(node, quarter))
    this.#nodes[place] = 0
    this.#free.push(node)
  }

  #make(): number {
    const node = ++this.#made
    if (node >= this.#counts.length) {
      const nodes = Math.max(NODES_PER_CHUNK, 2 * this.#counts.length)
      this.#counts = grown(this.#counts, nodes)
      this.#nodes = grown(this.#nodes, BUCKETS + nodes * QUARTERS)
      this.#lists.grow(BUCKETS + nodes * QUARTERS)
    }
    if (this.#chunkOf(node) === undefined) {
      this.#hashes.push(Buffer.allocUnsafeSlow(NODES_PER_CHUNK * QUARTERS_BYTES))
    }
    return node
  }

  #chunkOf(node: number): Buffer | undefined {
    return this.#hashes[Math.floor((node - 1) / NODES_PER_CHUNK)]
  }

  #hashesAt(node: number): number {
    return ((node - 1) % NODES_PER_CHUNK) * QUARTERS_BYTES
  }
}

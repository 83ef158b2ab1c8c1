/** Values are put into pieces of memory of so many bytes at most, and into one of their own where they are longer. */
const CHUNK_BYTES = 262_144
/** Before each value: its length. */
const HEAD_BYTES = 4

/** Values one behind the other in a few pieces of memory: as an object for each, a collector would look at all of them. */
export class ValueLog {
  readonly #chunkBytes: number
  readonly #chunks: Buffer[] = []
  /** Of the newest chunk. */
  #used = 0

  /** For about so many bytes. */
  constructor(bytes: number) {
    this.#chunkBytes = Math.min(CHUNK_BYTES, bytes)
  }

  /** Takes a copy; gives its place. */
  add(value: Uint8Array): number {
    const room = HEAD_BYTES + value.length
    if (this.#used + room > (this.#chunks.at(-1)?.length ?? 0)) {
      this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(this.#chunkBytes, room)))
      this.#used = 0
    }
    const start = this.#used
    const chunk = this.#chunks.at(-1)
    chunk?.set(value, chunk.writeUInt32LE(value.length, start))
    this.#used = start + room
    // A long value begins its chunk, so that each place is below the next chunk's.
    return (this.#chunks.length - 1) * CHUNK_BYTES + start
  }

  /** The value at a place: a view, which stays as it is. */
  at(place: number): Uint8Array {
    const chunk = this.#chunks[Math.floor(place / CHUNK_BYTES)] ?? Buffer.alloc(HEAD_BYTES)
    const offset = place % CHUNK_BYTES
    const start = offset + HEAD_BYTES
    return chunk.subarray(start, start + chunk.readUInt32LE(offset))
  }
}

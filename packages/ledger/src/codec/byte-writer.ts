const FIRST_BYTES = 256

/** Writes values one after the other, numbers big-endian. What does not fit its width is a `RangeError`. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #length = 0

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#bytes.writeUInt8(value, at)
    return this
  }

  u16(value: number): this {
    const at = this.#reserve(2)
    this.#bytes.writeUInt16BE(value, at)
    return this
  }

  u32(value: number): this {
    const at = this.#reserve(4)
    this.#bytes.writeUInt32BE(value, at)
    return this
  }

  /** A whole number from 0 to 2^53 - 1, in eight bytes. */
  integer(value: number): this {
    if (!(Number.isSafeInteger(value) && value >= 0)) throw new RangeError(`${value} must be an integer, 0 to 2^53 - 1`)
    const at = this.#reserve(8)
    this.#bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at)
    this.#bytes.writeUInt32BE(value % 2 ** 32, at + 4)
    return this
  }

  /** Bytes whose number the reader knows. */
  fixed(bytes: Uint8Array, length: number): this {
    if (bytes.byteLength !== length) throw new RangeError(`${bytes.byteLength} bytes, where ${length} were expected`)
    const at = this.#reserve(length)
    this.#bytes.set(bytes, at)
    return this
  }

  /** Bytes behind their number, in two bytes. */
  sized(bytes: Uint8Array): this {
    return this.u16(bytes.byteLength).fixed(bytes, bytes.byteLength)
  }

  /** Text in UTF-8, behind its length. */
  text(text: string): this {
    return this.sized(Buffer.from(text, 'utf8'))
  }

  /** Which of `values` it is, in one byte. */
  choice<T extends string>(value: T, values: readonly T[]): this {
    const index = values.indexOf(value)
    if (index === -1) throw new RangeError(`${value} must be one of ${values.join(', ')}`)
    return this.u8(index)
  }

  /** Items behind their number, in two bytes. */
  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.u16(items.length)
    for (const item of items) write(item)
    return this
  }

  /** All that was written, as a copy. */
  finish(): Uint8Array {
    const bytes = Buffer.allocUnsafe(this.#length)
    this.#bytes.copy(bytes, 0, 0, this.#length)
    return bytes
  }

  /** Begins anew, in the memory that it has; what `finish` gave stays as it is. */
  clear(): void {
    this.#length = 0
  }

  /** Makes room, in a larger buffer where it has to: so it comes before the buffer is named. */
  #reserve(count: number): number {
    const at = this.#length
    this.#length += count
    if (this.#length > this.#bytes.byteLength) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, 2 * this.#bytes.byteLength))
      larger.set(this.#bytes.subarray(0, at))
      this.#bytes = larger
    }
    return at
  }
}

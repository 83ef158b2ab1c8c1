import { asBuffer } from '../buffers.ts'
import { MalformedError, type MalformedCode } from '../errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** The upper half of 2^53 - 1. */
const MAX_UPPER = 0x1f_ff_ff

/** Reads what a `ByteWriter` wrote, and throws a `MalformedError` for everything else. Bytes read are views. */
export class ByteReader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0

  /** Refuses more than `maxBytes` at once; `what` is for errors. */
  constructor(bytes: Uint8Array, what: string, maxBytes: number) {
    this.#bytes = asBuffer(bytes)
    this.#what = what
    if (bytes.byteLength > maxBytes) this.fail('oversize', `at most ${maxBytes} bytes`, `${bytes.byteLength} bytes`)
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  /** A whole number up to 2^53 - 1, and not below `min`. */
  integer(min = 0): number {
    const at = this.#take(8)
    const upper = this.#bytes.readUInt32BE(at)
    if (upper > MAX_UPPER) {
      this.fail('unsafe-integer', 'a number up to 2^53 - 1', String(this.#bytes.readBigUInt64BE(at)))
    }
    const value = upper * 2 ** 32 + this.#bytes.readUInt32BE(at + 4)
    return value >= min ? value : this.fail('empty', `a number of ${min} or more`, String(value))
  }

  fixed(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  sized(maxBytes: number): Uint8Array {
    return this.fixed(this.#count(maxBytes, 'bytes'))
  }

  text(maxBytes: number): string {
    const bytes = this.sized(maxBytes)
    try {
      return decoder.decode(bytes)
    } catch {
      return this.fail('not-utf8', 'text in UTF-8', `${bytes.byteLength} other bytes`)
    }
  }

  choice<T extends string>(values: readonly T[]): T {
    const index = this.u8()
    return (
      values[index] ??
      this.fail('unknown-value', values.map((value, i) => `${i} (${value})`).join(' or '), String(index))
    )
  }

  /** As many items as were written, `min` to `max`. */
  list<T>(min: number, max: number, read: () => T): T[] {
    const count = this.#count(max, 'items')
    if (count < min) this.fail('empty', `${min} or more items`, String(count))
    const items: T[] = []
    while (items.length < count) items.push(read())
    return items
  }

  /** A list in which each item is greater than the one before, so that none is there twice and there is one order. */
  ascending<T>(min: number, max: number, read: () => T, compare: (a: T, b: T) => number): T[] {
    let before: T | undefined
    return this.list(min, max, () => {
      const item = read()
      if (before !== undefined && compare(before, item) >= 0) {
        this.fail('not-ascending', 'ascending items, none twice', 'another order')
      }
      before = item
      return item
    })
  }

  /** Nothing may be left. */
  end(): void {
    const left = this.#bytes.byteLength - this.#at
    if (left > 0) this.fail('trailing-bytes', 'the end', `${left} more bytes`)
  }

  fail(code: MalformedCode, expected: string, received: string): never {
    throw new MalformedError(code, { what: this.#what, offset: this.#at, expected, received })
  }

  #count(max: number, what: string): number {
    const count = this.u16()
    return count <= max ? count : this.fail('oversize', `at most ${max} ${what}`, String(count))
  }

  #take(length: number): number {
    const at = this.#at
    const left = this.#bytes.byteLength - at
    if (length > left) this.fail('truncated', `${length} more bytes`, String(left))
    this.#at += length
    return at
  }
}

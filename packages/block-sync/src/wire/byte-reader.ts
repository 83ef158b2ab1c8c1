import { MalformedMessageError, type MalformedCode } from '../errors.ts'

/** The upper half of 2^53 - 1. */
const MAX_UPPER = 0x1f_ff_ff

/** Reads what a `ByteWriter` wrote, and throws a `MalformedMessageError` for everything else. Bytes read are views. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #what: string
  #at = 0

  /** Refuses more than `maxBytes` unread; `what` is for errors. */
  constructor(bytes: Uint8Array, what: string, maxBytes: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
    if (bytes.byteLength > maxBytes) this.fail('oversize', `${bytes.byteLength} bytes, of at most ${maxBytes}`)
  }

  get left(): number {
    return this.#bytes.byteLength - this.#at
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  /** A whole number up to 2^53 - 1. */
  integer(): number {
    const at = this.#take(8)
    const upper = this.#view.getUint32(at)
    if (upper > MAX_UPPER) this.fail('unsafe-integer', 'a number over 2^53 - 1')
    return upper * 2 ** 32 + this.#view.getUint32(at + 4)
  }

  /** A number that was read, if it lies within its bounds. */
  within(value: number, min: number, max: number, name: string): number {
    if (value < min) this.fail('empty', `${name} ${value}, of at least ${min}`)
    if (value > max) this.fail('oversize', `${name} ${value}, of at most ${max}`)
    return value
  }

  fixed(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  choice<T extends string>(values: readonly T[], name: string): T {
    const index = this.u8()
    return values[index] ?? this.fail('unknown-value', `${name} ${index}, of ${values.length}`)
  }

  version(version: number): void {
    const found = this.u8()
    if (found !== version) this.fail('unknown-version', `${found}, where ${version} was expected`)
  }

  /** Nothing may be left. */
  end(): void {
    if (this.left > 0) this.fail('trailing-bytes', `${this.left} more`)
  }

  fail(code: MalformedCode, detail: string): never {
    throw new MalformedMessageError(code, this.#what, detail)
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.left) this.fail('truncated', `${this.left} bytes left, where ${length} were expected`)
    this.#at += length
    return at
  }
}

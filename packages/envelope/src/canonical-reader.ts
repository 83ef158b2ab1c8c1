import { asBuffer } from './bytes.ts'
import { MalformedEnvelopeError } from './errors.ts'

const MORE = 0x80
const GROUP_BITS = 7
/** Groups of seven bits in a number of 64 bits. */
const MAX_GROUPS = 10
const MAX_UINT64 = 2n ** 64n - 1n

/**
 * Reads protobuf fields in the order in which they are written. What a protobuf reader passes over, and no signature
 * covers, is refused: padded varints, zeros written out, and, since each field is asked for once and in its turn,
 * fields that are repeated, unknown or out of order.
 */
export class CanonicalReader {
  readonly #bytes: Buffer
  #at: number

  /** Reads from `at` on. */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = asBuffer(bytes)
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.byteLength
  }

  /** The number under `tag`, up to 2^53 - 1; 0 where it is left out. */
  number(tag: number): number {
    if (!this.#has(tag)) return 0
    const value = this.#varint()
    return typeof value === 'number' ? value : refuse('a number of more than 53 bits')
  }

  /** The number under `tag`, up to 2^64 - 1; 0 where it is left out. */
  bigint(tag: number): bigint {
    return this.#has(tag) ? BigInt(this.#varint()) : 0n
  }

  /** The text under `tag`, a character a byte, so that what is not ASCII shows; empty where it is left out. */
  text(tag: number, maxBytes: number): string {
    if (!this.#has(tag)) return ''
    const end = this.#end()
    if (end - this.#at > maxBytes) return refuse(`a text of more than ${maxBytes} bytes`)
    const text = this.#bytes.toString('latin1', this.#at, end)
    this.#at = end
    return text
  }

  /** A view of the bytes under `tag`; empty where they are left out. */
  bytes(tag: number): Uint8Array {
    const end = this.#has(tag) ? this.#end() : this.#at
    const { buffer, byteOffset } = this.#bytes
    const view = new Uint8Array(buffer, byteOffset + this.#at, end - this.#at)
    this.#at = end
    return view
  }

  #has(tag: number): boolean {
    if (this.#bytes[this.#at] !== tag) return false
    this.#at++
    return true
  }

  /** Reads a length, and returns where the bytes behind it end. */
  #end(): number {
    const length = Number(this.#varint())
    if (length > this.#bytes.byteLength - this.#at) return refuse('a field longer than the bytes')
    return this.#at + length
  }

  /** Reads a number other than 0 in its shortest form: as a bigint only where no number is exact. */
  #varint(): number | bigint {
    const start = this.#at
    let value = 0
    let weight = 1
    for (;;) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined || this.#at - start > MAX_GROUPS) return refuse('a number without an end')
      value += (byte % MORE) * weight
      weight *= MORE
      if (byte >= MORE) continue
      if (byte === 0) return refuse('a number that is not in its shortest form')
      return value <= Number.MAX_SAFE_INTEGER ? value : this.#exact(start)
    }
  }

  /** The number from `start` to where we are. */
  #exact(start: number): bigint {
    let value = 0n
    for (let at = this.#at - 1; at >= start; at--) {
      value = (value << BigInt(GROUP_BITS)) | BigInt((this.#bytes[at] ?? 0) % MORE)
    }
    return value <= MAX_UINT64 ? value : refuse('a number of more than 64 bits')
  }
}

function refuse(detail: string): never {
  throw new MalformedEnvelopeError(detail)
}

import { MalformedMessageError } from './errors.ts'

/** Reads the fields of one message. Each read throws a `MalformedMessageError` where the bytes are too few. */
export class WireReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  byte(): number {
    const value = this.#bytes[this.#at]
    if (value == null) throw new MalformedMessageError('A message ends too early')
    this.#at += 1
    return value
  }

  /** A number of at most 53 bits, in its shortest form. */
  varint(): number {
    let value = 0
    let factor = 1
    for (let byte = this.byte(); ; byte = this.byte()) {
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if ((byte === 0 && factor > 1) || value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      factor *= 0x80
      if (factor > 2 ** 49) break
    }
    throw new MalformedMessageError('A number is padded or too large')
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.byteLength) throw new MalformedMessageError('A message ends too early')
    const view = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, length)
    this.#at += length
    return view
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.byteLength - this.#at)
  }

  end(): void {
    if (this.#at !== this.#bytes.byteLength) throw new MalformedMessageError('A message goes on behind its end')
  }
}

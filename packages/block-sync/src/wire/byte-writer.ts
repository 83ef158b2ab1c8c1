/** Writes values one after the other, numbers big-endian. Byte arrays are kept until `finish`, which copies them once. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = []
  #length = 0

  u8(value: number): this {
    return this.#number(value, 1, 0xff, (view) => view.setUint8(0, value))
  }

  u16(value: number): this {
    return this.#number(value, 2, 0xff_ff, (view) => view.setUint16(0, value))
  }

  u32(value: number): this {
    return this.#number(value, 4, 0xff_ff_ff_ff, (view) => view.setUint32(0, value))
  }

  /** A whole number from 0 to 2^53 - 1, in eight bytes. */
  integer(value: number): this {
    return this.#number(value, 8, Number.MAX_SAFE_INTEGER, (view) => view.setBigUint64(0, BigInt(value)))
  }

  fixed(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    this.#length += bytes.byteLength
    return this
  }

  choice<T extends string>(value: T, values: readonly T[]): this {
    return this.u8(values.indexOf(value))
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      bytes.set(part, at)
      at += part.byteLength
    }
    return bytes
  }

  #number(value: number, length: number, max: number, set: (view: DataView) => void): this {
    if (!(Number.isSafeInteger(value) && value >= 0 && value <= max)) {
      throw new RangeError(`${value} must be a whole number, 0 to ${max}`)
    }
    const view = new DataView(new ArrayBuffer(length))
    set(view)
    return this.fixed(new Uint8Array(view.buffer))
  }
}

const VARINT_BITS = 7
/** Beyond it a number is no longer exact, and no file is as long. */
const MAX_VARINT_BYTES = 7

/** Reads what LevelDB writes, one thing after the other. All of it throws a `RangeError` beyond the end of the bytes. */
export class Cursor {
  readonly #bytes: Buffer
  position: number

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes
    this.position = position
  }

  /** Seven bits in each byte, the lowest first. */
  varint(): number {
    let value = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#bytes.readUInt8(this.position)
      this.position += 1
      value += (byte % 2 ** VARINT_BITS) * 2 ** (VARINT_BITS * i)
      if (byte < 2 ** VARINT_BITS) return value
    }
    throw new RangeError(`a number of more than ${MAX_VARINT_BYTES} bytes ends at ${this.position}`)
  }

  /** Passes over bytes that stand behind their length. */
  skipSized(): undefined {
    const length = this.varint()
    this.position += length
  }
}

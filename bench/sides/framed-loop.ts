// The least that requests and answers over a byte stream take: lengths before them, and the writes of a tick in one.
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

const LENGTH_BYTES = 4
/** Below it, copying a message next to its length is cheaper than a list of views. */
const COPY_BELOW_BYTES = 4_096

/** Writes length-prefixed messages, those of one tick in one call. */
export class FramedWriter {
  readonly #write: (parts: readonly Uint8Array[]) => void
  #messages: Uint8Array[] = []
  readonly #flush = (): void => {
    const messages = this.#messages
    this.#messages = []
    this.#write(frame(messages))
  }

  constructor(write: (parts: readonly Uint8Array[]) => void) {
    this.#write = write
  }

  push(message: Uint8Array): void {
    if (this.#messages.push(message) === 1) queueMicrotask(this.#flush)
  }
}

function frame(messages: readonly Uint8Array[]): Uint8Array[] {
  let length = 0
  for (const { byteLength } of messages) length += LENGTH_BYTES + (byteLength < COPY_BELOW_BYTES ? byteLength : 0)
  const buffer = Buffer.allocUnsafe(length)
  const parts: Uint8Array[] = []
  let from = 0
  let to = 0
  for (const message of messages) {
    to = buffer.writeUInt32BE(message.byteLength, to)
    if (message.byteLength < COPY_BELOW_BYTES) {
      buffer.set(message, to)
      to += message.byteLength
    } else {
      parts.push(buffer.subarray(from, to), message)
      from = to
    }
  }
  if (to > from) parts.push(buffer.subarray(from, to))
  return parts
}

/** Reads length-prefixed messages from bytes cut anyhow. */
export class FramedReader {
  readonly #onMessage: (message: Uint8Array) => void
  #rest: Uint8Array[] = []
  #restBytes = 0
  #neededBytes = LENGTH_BYTES

  constructor(onMessage: (message: Uint8Array) => void) {
    this.#onMessage = onMessage
  }

  read(piece: Uint8Array): void {
    this.#rest.push(piece)
    this.#restBytes += piece.byteLength
    if (this.#restBytes < this.#neededBytes) return
    const [first = piece] = this.#rest
    const bytes = this.#rest.length === 1 ? first : Buffer.concat(this.#rest, this.#restBytes)
    this.#keep(bytes, this.#takeAll(bytes))
  }

  /** Takes all messages that are complete. Returns the offset behind them. */
  #takeAll(bytes: Uint8Array): number {
    let at = 0
    for (;;) {
      const left = bytes.byteLength - at
      this.#neededBytes = LENGTH_BYTES + (left < LENGTH_BYTES ? 0 : uint32(bytes, at))
      if (left < this.#neededBytes) return at
      this.#onMessage(
        new Uint8Array(bytes.buffer, bytes.byteOffset + at + LENGTH_BYTES, this.#neededBytes - LENGTH_BYTES),
      )
      at += this.#neededBytes
    }
  }

  #keep(bytes: Uint8Array, from: number): void {
    this.#rest = from === bytes.byteLength ? [] : [bytes.subarray(from)]
    this.#restBytes = bytes.byteLength - from
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

/** Asks over a writer; answers come in the order of the questions. */
export class FramedAsker {
  readonly #writer: FramedWriter
  readonly reader = new FramedReader((answer) => this.#waiting.shift()?.(answer))
  readonly #waiting: ((answer: Uint8Array) => void)[] = []

  constructor(write: (parts: readonly Uint8Array[]) => void) {
    this.#writer = new FramedWriter(write)
  }

  async ask(payload: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#writer.push(payload)
    })
  }
}

/** Answers each message with itself. */
export function framedEcho(write: (parts: readonly Uint8Array[]) => void): FramedReader {
  const writer = new FramedWriter(write)
  return new FramedReader((message) => writer.push(message))
}

/** Writes to a libp2p stream. */
export function writeTo(stream: Stream): (parts: readonly Uint8Array[]) => void {
  return ([first, ...more]) => {
    if (first !== undefined) stream.send(more.length === 0 ? first : new Uint8ArrayList(first, ...more))
  }
}

/** Reads from a libp2p stream. */
export function readFrom(stream: Stream, reader: FramedReader): void {
  stream.addEventListener('message', ({ data }) => {
    if (data instanceof Uint8Array) reader.read(data)
    else for (const piece of data) reader.read(piece)
  })
}

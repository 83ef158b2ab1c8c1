import type { MessageStream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { LENGTH_BYTES, MAX_FRAME_BYTES } from './constants.ts'
import { NoiseHandshakeError } from './errors.ts'
import { nextData } from './next-data.ts'

/** Sends and receives the messages of a handshake, each behind its length in two bytes. */
export class HandshakeChannel {
  readonly #connection: MessageStream
  readonly #maxBytes: number
  readonly #signal: AbortSignal
  readonly #held = new Uint8ArrayList()

  constructor(connection: MessageStream, maxBytes: number, signal: AbortSignal) {
    this.#connection = connection
    this.#maxBytes = maxBytes
    this.#signal = signal
  }

  /**
   * Does not wait for a connection that is full: there are two messages at most, and their answers are awaited.
   * @throws {RangeError} for a message that is longer than its length can say
   */
  write(message: Uint8Array): void {
    this.#signal.throwIfAborted()
    if (this.#connection.status !== 'open') {
      throw new NoiseHandshakeError('closed', `the connection is ${this.#connection.status}, and must be open to write`)
    }
    if (message.length > MAX_FRAME_BYTES) {
      throw new RangeError(
        `Our message has ${message.length} bytes, and at most ${MAX_FRAME_BYTES} fit: see extensions`,
      )
    }
    const framed = new Uint8Array(LENGTH_BYTES + message.length)
    framed[0] = message.length >>> 8
    framed[1] = message.length & 0xff
    framed.set(message, LENGTH_BYTES)
    this.#connection.send(framed)
  }

  /** @throws {NoiseHandshakeError} `oversized`, `closed` */
  async read(): Promise<Uint8Array> {
    await this.#hold(LENGTH_BYTES)
    const length = this.#held.getUint16(0)
    if (length > this.#maxBytes) {
      const message = `a message of ${length} bytes is over maxHandshakeBytes, which is ${this.#maxBytes}`
      throw new NoiseHandshakeError('oversized', message)
    }
    const end = LENGTH_BYTES + length
    await this.#hold(end)
    const message = this.#held.subarray(LENGTH_BYTES, end)
    this.#held.consume(end)
    return message
  }

  /** Gives back what came behind the last message: it is for whoever reads the connection next. */
  release(): void {
    if (this.#connection.status !== 'open') {
      throw new NoiseHandshakeError(
        'closed',
        `the connection is ${this.#connection.status} at the end of the handshake`,
      )
    }
    if (this.#held.byteLength > 0) this.#connection.unshift(this.#held)
  }

  async #hold(bytes: number): Promise<void> {
    while (this.#held.byteLength < bytes) this.#held.append(await nextData(this.#connection, this.#signal))
  }
}

import type { MessageStreamDirection } from '@libp2p/interface'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Parcel } from '../links/parcel.ts'

/** Windows of yamux in js-libp2p: what a stream starts with, and what it may grow to, in bytes. */
const FIRST_WINDOW_BYTES = 262_144
const MAX_WINDOW_BYTES = 16_777_216
/** A window that is used up within this many round trips is too small. */
const ROUND_TRIPS_TO_GROW = 4
/** Bytes of a frame besides its payload. */
export const FRAME_BYTES = 12

/** The connection that a stream belongs to. */
export interface StreamCarrier {
  readonly rttMs: number
  /** Sends a frame. Returns false when the connection has no room for more. */
  carry(parcel: Parcel, bytes: number): boolean
  forget(stream: SimStream): void
}

export interface SimStreamInit {
  carrier: StreamCarrier
  number: number
  direction: MessageStreamDirection
  log: ConstructorParameters<typeof AbstractStream>[0]['log']
}

/**
 * A libp2p stream over a simulated connection. Events, states and buffers are libp2p's own `AbstractStream`; here is
 * only what yamux would do below it: a window for each direction, granted anew as the reader takes data.
 */
export class SimStream extends AbstractStream {
  readonly number: number
  readonly #carrier: StreamCarrier
  #sendWindow = FIRST_WINDOW_BYTES
  #readWindow = FIRST_WINDOW_BYTES
  #readLeft = FIRST_WINDOW_BYTES
  #windowSince = performance.now()

  constructor({ carrier, number, direction, log }: SimStreamInit) {
    super({ id: String(number), direction, log })
    this.number = number
    this.#carrier = carrier
    this.addEventListener('close', () => this.#carrier.forget(this))
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = Math.min(this.#sendWindow, data.byteLength)
    if (sentBytes === 0) return { sentBytes, canSendMore: false }
    const bytes = sentBytes === data.byteLength ? data : data.sublist(0, sentBytes)
    this.#sendWindow -= sentBytes
    const hasRoom = this.#carry({ type: 'data', stream: this.number, bytes }, sentBytes)
    return { sentBytes, canSendMore: hasRoom && sentBytes === data.byteLength }
  }

  override sendReset(): void {
    this.#carry({ type: 'reset', stream: this.number })
  }

  override sendPause(): void {}

  override sendResume(): void {
    this.#windowSince = performance.now()
    this.#grant()
  }

  override async sendCloseWrite(): Promise<void> {
    this.#carry({ type: 'close-write', stream: this.number })
  }

  override async sendCloseRead(): Promise<void> {}

  /** Takes what the other side sent. */
  receive(bytes: Uint8ArrayList): void {
    this.#readLeft -= bytes.byteLength
    this.onData(bytes)
    if (this.status === 'open' && this.readStatus !== 'paused') this.#grant()
  }

  /** Takes leave to send more. */
  receiveWindow(bytes: number): void {
    this.#sendWindow += bytes
    if (this.writableNeedsDrain) this.safeDispatchEvent('drain')
  }

  /** The connection has room again. */
  onConnectionDrain(): void {
    if (this.writableNeedsDrain && this.#sendWindow > 0) this.safeDispatchEvent('drain')
  }

  /** Grants half a window at once: with every message it would be a frame for each frame. */
  #grant(): void {
    if (this.#readLeft > this.#readWindow / 2) return
    const now = performance.now()
    if (now - this.#windowSince <= ROUND_TRIPS_TO_GROW * this.#carrier.rttMs) {
      this.#readWindow = Math.min(2 * this.#readWindow, MAX_WINDOW_BYTES)
    }
    this.#windowSince = now
    const bytes = this.#readWindow - this.#readLeft
    this.#readLeft = this.#readWindow
    this.#carry({ type: 'window', stream: this.number, bytes })
  }

  #carry(parcel: Parcel, payloadBytes = 0): boolean {
    return this.#carrier.carry(parcel, FRAME_BYTES + payloadBytes)
  }
}

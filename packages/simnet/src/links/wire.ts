import type { Fabric } from './fabric.ts'
import { Flow } from './flow.ts'
import type { Machine } from './machine.ts'
import type { Parcel } from './parcel.ts'

/** Bytes of a packet that says nothing but that a connection ends. */
const END_BYTES = 40

/** What the owner of an end is told. */
export interface WireHandler {
  onParcel(parcel: Parcel): void
  /** There is room again after `send` returned false. */
  onDrain(): void
  /** The other side has closed, or, with an error, the connection broke. Nothing follows. */
  onEnd(err?: Error): void
}

const NOBODY: WireHandler = { onParcel: () => {}, onDrain: () => {}, onEnd: () => {} }

/** The connection broke; as the error of a socket. */
export class ConnectionResetError extends Error {
  static override readonly name = 'ConnectionResetError'
  override readonly name = 'ConnectionResetError'
  readonly code: 'ECONNRESET' | 'ETIMEDOUT'

  constructor(code: 'ECONNRESET' | 'ETIMEDOUT') {
    super(code === 'ECONNRESET' ? 'The connection was reset by the peer' : 'The connection has timed out')
    this.code = code
  }
}

/** One end of a simulated connection: messages in order, both ways, until one side ends it. */
export class WireEnd {
  readonly machine: Machine
  readonly #flow: Flow
  #other: WireEnd | undefined
  handler: WireHandler = NOBODY
  #isOpen = true

  private constructor(fabric: Fabric, machine: Machine, remote: Machine) {
    this.machine = machine
    this.#flow = new Flow(fabric, machine, remote, () => this.handler.onDrain())
    machine.ends.add(this)
  }

  /** Makes both ends of a connection. */
  static pair(fabric: Fabric, a: Machine, b: Machine): [WireEnd, WireEnd] {
    const [first, second] = [new WireEnd(fabric, a, b), new WireEnd(fabric, b, a)]
    first.#other = second
    second.#other = first
    return [first, second]
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get other(): WireEnd | undefined {
    return this.#other
  }

  get remote(): Machine {
    return this.#flow.to
  }

  /** Round trip without jitter or loss, in ms. */
  get rttMs(): number {
    return 2 * this.#flow.baseMs
  }

  /** Sends a message. Returns false when there is no room for more: `onDrain` tells when there is. */
  send(parcel: Parcel, bytes: number): boolean {
    if (!this.#isOpen) return false
    const other = this.#other
    return this.#flow.send(bytes, () => {
      if (other?.isOpen === true) other.handler.onParcel(parcel)
    })
  }

  /** Ends the connection after what was sent; the other side is told of the error, if there is one. */
  end(err?: ConnectionResetError): void {
    if (!this.#isOpen) return
    this.#leave()
    const other = this.#other
    this.#flow.send(END_BYTES, () => other?.break(err))
  }

  /** Ends this side at once, as if the other had. */
  break(err?: Error): void {
    if (!this.#isOpen) return
    this.#leave()
    this.handler.onEnd(err)
  }

  /** Ends this side without a word to anybody: its machine has lost power. */
  vanish(): void {
    this.#leave()
  }

  #leave(): void {
    this.#isOpen = false
    this.machine.ends.delete(this)
  }
}

import { AbstractMultiaddrConnection, type AbstractMultiaddrConnectionInit, type SendResult } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import type { Parcel } from '../links/parcel.ts'
import { ConnectionResetError, type WireEnd } from '../links/wire.ts'

/** A raw libp2p connection over a simulated one: what a TCP socket is to libp2p's TCP transport. */
export class StackSocket extends AbstractMultiaddrConnection {
  readonly #end: WireEnd

  constructor(end: WireEnd, init: AbstractMultiaddrConnectionInit) {
    super(init)
    this.#end = end
    end.handler = {
      onParcel: (parcel) => this.#receive(parcel),
      onDrain: () => this.#drained(),
      onEnd: (err) => this.#ended(err),
    }
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength
    // A copy, since encryption works in place at both ends.
    const bytes = new Uint8ArrayList(data.slice())
    return { sentBytes, canSendMore: this.#end.send({ type: 'bytes', bytes }, sentBytes) }
  }

  override sendReset(): void {
    this.#end.end(new ConnectionResetError('ECONNRESET'))
  }

  override async sendClose(): Promise<void> {
    this.#end.end()
  }

  override sendPause(): void {}

  override sendResume(): void {}

  #receive(parcel: Parcel): void {
    if (parcel.type === 'bytes' && (this.status === 'open' || this.status === 'closing')) this.onData(parcel.bytes)
  }

  #drained(): void {
    if (this.status === 'open' || this.status === 'closing') this.safeDispatchEvent('drain')
  }

  #ended(err: Error | undefined): void {
    if (this.status !== 'open' && this.status !== 'closing') return
    if (err === undefined) this.onTransportClosed()
    else this.onRemoteReset()
  }
}

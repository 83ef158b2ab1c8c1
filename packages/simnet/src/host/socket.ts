import type {
  Logger,
  MessageStreamDirection,
  MessageStreamEvents,
  MultiaddrConnection,
  MultiaddrConnectionTimeline,
} from '@libp2p/interface'
import { StreamAbortEvent, StreamCloseEvent, StreamStateError, TypedEventEmitter } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { WireEnd } from '../links/wire.ts'
import { ConnectionResetError } from '../links/wire.ts'

/**
 * The raw connection as gaters and metrics see it. At level `host` nobody speaks over it, so that it has an address, a
 * status and an end, and refuses to be read or written.
 */
export class HostSocket extends TypedEventEmitter<MessageStreamEvents> implements MultiaddrConnection {
  readonly #end: WireEnd
  readonly remoteAddr: Multiaddr
  readonly direction: MessageStreamDirection
  readonly timeline: MultiaddrConnectionTimeline = { open: Date.now() }
  readonly log: Logger
  status: MultiaddrConnection['status'] = 'open'
  maxReadBufferLength = 0
  inactivityTimeout = 0
  readonly writableNeedsDrain = false
  readonly readableEnded = false
  readonly readBufferLength = 0
  readonly writeBufferLength = 0

  constructor(end: WireEnd, remoteAddr: Multiaddr, direction: MessageStreamDirection, log: Logger) {
    super()
    this.#end = end
    this.remoteAddr = remoteAddr
    this.direction = direction
    this.log = log
  }

  /** Notes that the connection is over. */
  ended(status: 'closed' | 'aborted' | 'reset', event: StreamCloseEvent): void {
    if (this.status !== 'open' && this.status !== 'closing') return
    this.status = status
    this.timeline.close = Date.now()
    this.dispatchEvent(event)
  }

  async close(): Promise<void> {
    this.#end.end()
    this.ended('closed', new StreamCloseEvent())
  }

  abort(err: Error): void {
    this.#end.end(new ConnectionResetError('ECONNRESET'))
    this.ended('aborted', new StreamAbortEvent(err))
  }

  send(): never {
    throw new StreamStateError('The raw connection of a simulated host carries no bytes: open a stream')
  }

  push(): never {
    return this.send()
  }

  unshift(): never {
    return this.send()
  }

  pause(): void {}

  resume(): void {}

  async onDrain(): Promise<void> {}

  // Nothing ever arrives.
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield* []
  }
}

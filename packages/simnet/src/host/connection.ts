import {
  type AbortOptions,
  type Connection,
  ConnectionClosedError,
  type ConnectionStatus,
  connectionSymbol,
  type Logger,
  type MessageStreamEvents,
  type NewStreamOptions,
  type Stream,
  StreamAbortEvent,
  StreamCloseEvent,
  StreamResetError,
  StreamResetEvent,
  StreamStateError,
  TimeoutError,
  TooManyOutboundProtocolStreamsError,
  TypedEventEmitter,
  UnsupportedProtocolError,
} from '@libp2p/interface'
import type { PeerId } from '@libp2p/interface'
import { UnexpectedEOFError } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Identity, Parcel } from '../links/parcel.ts'
import { raceAbort } from '../links/race-abort.ts'
import { ConnectionResetError, type WireEnd, type WireHandler } from '../links/wire.ts'
import type { HostContext } from './host-context.ts'
import { acceptStream } from './inbound-stream.ts'
import { FRAME_BYTES, SimStream, type StreamCarrier } from './sim-stream.ts'
import type { HostSocket } from './socket.ts'
import { countStreams, outboundLimit, runMiddleware } from './stream-rules.ts'

/** As libp2p's defaults, in ms. */
const NEGOTIATION_MS = 10_000
const CLOSE_MS = 1_000
/** Until libp2p's connection monitor finds that a connection opens no streams, and aborts it. */
const MONITOR_MS = 10_000
/** Bytes of an identify message without its protocols and its signed record: versions, key and addresses. */
const IDENTITY_BYTES = 120

export interface HostConnectionInit {
  host: HostContext
  end: WireEnd
  socket: HostSocket
  remotePeer: PeerId
  onIdentity: (identity: Identity) => void
  ownIdentity: () => Identity
}

/** A libp2p connection over a simulated one: streams, and who the peer is, without bytes for either. */
export class HostConnection
  extends TypedEventEmitter<MessageStreamEvents>
  implements Connection, WireHandler, StreamCarrier
{
  readonly [connectionSymbol] = true
  readonly id: string
  readonly remoteAddr: Multiaddr
  readonly remotePeer: PeerId
  readonly multiplexer = '/yamux/1.0.0'
  readonly encryption = '/simnet'
  readonly direct = true
  readonly log: Logger
  readonly streams: Stream[] = []
  readonly #init: HostConnectionInit
  readonly #byNumber = new Map<number, SimStream>()
  readonly #opening = new Map<number, PromiseWithResolvers<string>>()
  #nextStream: number
  #status: ConnectionStatus = 'open'
  /** Whether streams can be opened: as libp2p's muxer, which begins to close before the connection does. */
  #opensStreams = true

  constructor(init: HostConnectionInit) {
    super()
    const { host, end, socket, remotePeer } = init
    this.#init = init
    this.id = `${Math.floor(Math.random() * 1e9).toString(36)}${Date.now()}`
    this.remotePeer = remotePeer
    const { remoteAddr } = socket
    const hasPeer = remoteAddr.getComponents().some(({ name }) => name === 'p2p')
    this.remoteAddr = hasPeer ? remoteAddr : remoteAddr.encapsulate(`/p2p/${remotePeer.toString()}`)
    this.log = host.logger.forComponent('simnet:connection')
    this.#nextStream = socket.direction === 'outbound' ? 1 : 2
    end.handler = this
  }

  readonly [Symbol.toStringTag] = 'Connection'

  get direction(): 'inbound' | 'outbound' {
    return this.#init.socket.direction
  }

  get timeline(): Connection['timeline'] {
    return this.#init.socket.timeline
  }

  get status(): ConnectionStatus {
    return this.#status
  }

  get rttMs(): number {
    return this.#init.end.rttMs
  }

  /** Asks the peer who it is. */
  identify(): void {
    this.carry({ type: 'identify' }, FRAME_BYTES)
  }

  /** Has the peer ask again, since we have changed: that takes as long as the stream of a push and what it says. */
  push(): void {
    this.carry({ type: 'push' }, FRAME_BYTES)
  }

  #sendIdentity(): void {
    const identity = this.#init.ownIdentity()
    const own = IDENTITY_BYTES + (identity.record?.envelope.byteLength ?? 0)
    const bytes = identity.protocols.reduce((sum, protocol) => sum + protocol.length, own)
    this.carry({ type: 'identity', identity }, bytes)
  }

  async newStream(protocols: string | string[], options: NewStreamOptions = {}): Promise<Stream> {
    if (this.#status !== 'open') throw new ConnectionClosedError(`The connection is "${this.#status}" and not "open"`)
    if (!this.#opensStreams) throw new ConnectionClosedError('The connection is closing its streams')
    const stream = this.#addStream(this.#nextStream, 'outbound')
    this.#nextStream += 2
    try {
      stream.protocol = await this.#negotiate(stream, Array.isArray(protocols) ? protocols : [protocols], options)
      return await this.#admit(stream, options)
    } catch (err) {
      if (stream.status === 'open') stream.abort(err instanceof Error ? err : new TimeoutError(String(err)))
      throw err
    }
  }

  /** Closes the streams, then the connection; while they close, or when they did not in time, once more closes at once. */
  async close(options: AbortOptions = {}): Promise<void> {
    if (this.#status !== 'open') return
    if (this.#opensStreams) await this.#closeStreams(options.signal ?? AbortSignal.timeout(CLOSE_MS))
    this.#init.end.end()
    this.#over('closed', new StreamCloseEvent())
  }

  abort(err: Error): void {
    if (this.#status !== 'open') return
    if (this.#opensStreams) for (const stream of Array.from(this.#byNumber.values())) stream.abort(err)
    this.#init.end.end(new ConnectionResetError('ECONNRESET'))
    this.#over('aborted', new StreamAbortEvent(err))
  }

  carry(parcel: Parcel, bytes: number): boolean {
    return this.#init.end.send(parcel, bytes)
  }

  forget(stream: SimStream): void {
    if (!this.#byNumber.delete(stream.number)) return
    const at = this.streams.indexOf(stream)
    if (at >= 0) this.streams.splice(at, 1)
  }

  onDrain(): void {
    for (const stream of this.#byNumber.values()) stream.onConnectionDrain()
  }

  /** Streams end without an error in either way: libp2p's muxer does not tell them why its connection is gone. */
  onEnd(err?: Error): void {
    if (this.#status !== 'open') return
    if (err === undefined) this.#over('closed', new StreamCloseEvent())
    else this.#over('reset', new StreamResetEvent(new StreamResetError(err.message)))
  }

  onParcel(parcel: Parcel): void {
    if (parcel.type === 'open') this.#onOpen(parcel.stream, parcel.protocols)
    else if (parcel.type === 'push') this.identify()
    else if (parcel.type === 'identify') this.#sendIdentity()
    else if (parcel.type === 'identity') this.#init.onIdentity(parcel.identity)
    else if (parcel.type === 'accept') this.#opening.get(parcel.stream)?.resolve(parcel.protocol)
    else if (parcel.type === 'refuse') {
      this.#opening.get(parcel.stream)?.reject(new UnsupportedProtocolError('Protocol selection failed'))
    } else if (parcel.type !== 'bytes' && parcel.type !== 'hello') this.#onStreamParcel(parcel)
  }

  #onStreamParcel(parcel: Extract<Parcel, { type: 'data' | 'window' | 'close-write' | 'reset' }>): void {
    const stream = this.#byNumber.get(parcel.stream)
    if (stream === undefined) return
    if (parcel.type === 'data') stream.receive(parcel.bytes)
    else if (parcel.type === 'window') stream.receiveWindow(parcel.bytes)
    else if (parcel.type === 'close-write') stream.onRemoteCloseWrite()
    else stream.onRemoteReset()
  }

  async #closeStreams(signal: AbortSignal): Promise<void> {
    this.#opensStreams = false
    try {
      await raceAbort(Promise.all([...this.#byNumber.values()].map((stream) => stream.close({ signal }))), signal)
    } catch (err) {
      setTimeout(() => this.abort(new ConnectionClosedError('The connection opens no streams')), MONITOR_MS)
      throw err
    }
    if (this.#status !== 'open') throw new StreamStateError('The connection was closed while its streams were closing')
  }

  /** What a stream does to start: multistream-select's round trip. */
  async #negotiate(stream: SimStream, protocols: readonly string[], options: NewStreamOptions): Promise<string> {
    const answer = Promise.withResolvers<string>()
    this.#opening.set(stream.number, answer)
    const onClose = ({ error }: StreamCloseEvent): void => {
      answer.reject(error ?? new UnexpectedEOFError('The stream was closed before a protocol was agreed on'))
    }
    stream.addEventListener('close', onClose)
    const bytes = protocols.reduce((sum, protocol) => sum + protocol.length, 2 * FRAME_BYTES)
    this.carry({ type: 'open', stream: stream.number, protocols }, bytes)
    const late = setTimeout(() => {
      answer.reject(new TimeoutError(`No answer to ${protocols.join(', ')} within ${NEGOTIATION_MS} ms`))
    }, NEGOTIATION_MS)
    try {
      return await raceAbort(answer.promise, options.signal)
    } finally {
      clearTimeout(late)
      stream.removeEventListener('close', onClose)
      this.#opening.delete(stream.number)
    }
  }

  async #admit(stream: SimStream, options: NewStreamOptions): Promise<Stream> {
    const { host } = this.#init
    const limit = outboundLimit(stream.protocol, host.registrar, options)
    const count = countStreams(stream.protocol, 'outbound', this.streams)
    if (count > limit) {
      throw new TooManyOutboundProtocolStreamsError(
        `Too many outbound protocol streams for protocol "${stream.protocol}" - ${count}/${limit}`,
      )
    }
    await host.peerStore.merge(this.remotePeer, { protocols: [stream.protocol] })
    host.metrics?.trackProtocolStream(stream)
    return runMiddleware(stream, this, host.registrar.getMiddleware(stream.protocol))
  }

  #onOpen(number: number, protocols: readonly string[]): void {
    const { host } = this.#init
    const protocol = protocols.find((name) => host.registrar.getProtocols().includes(name))
    if (protocol === undefined) {
      this.carry({ type: 'refuse', stream: number }, FRAME_BYTES)
      return
    }
    this.carry({ type: 'accept', stream: number, protocol }, FRAME_BYTES + protocol.length)
    const stream = this.#addStream(number, 'inbound')
    stream.protocol = protocol
    acceptStream(host, this, stream).catch((err: unknown) => {
      stream.abort(err instanceof Error ? err : new ConnectionClosedError(String(err)))
    })
  }

  #addStream(number: number, direction: 'inbound' | 'outbound'): SimStream {
    const log = this.#init.host.logger.forComponent('simnet:stream')
    const stream = new SimStream({ carrier: this, number, direction, log })
    this.#byNumber.set(number, stream)
    this.streams.push(stream)
    return stream
  }

  #over(status: 'closed' | 'aborted' | 'reset', event: StreamCloseEvent): void {
    this.#status = status
    this.#opensStreams = false
    for (const stream of Array.from(this.#byNumber.values())) stream.onTransportClosed()
    this.#init.socket.ended(status, new StreamCloseEvent(event.local, event.error))
    this.dispatchEvent(event)
  }
}

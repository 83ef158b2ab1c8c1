import type { Reason } from '@gridmesh/interfaces'
import { ConnectionClosedError, type Stream } from '@libp2p/interface'
import { lpStream, type LengthPrefixedStream } from '@libp2p/utils'
import { MAX_PREFIX_BYTES } from './constants.ts'
import { decodeFrame } from './decode-frame.ts'
import { encodeFrame } from './encode-frame.ts'
import { HandshakeViolationError } from './errors.ts'
import type { Frame, FrameLimits, OutboundFrame } from './frame.ts'
import { raced } from './timing.ts'

/** How much of what a peer sends is taken. */
export interface FrameStreamInit extends FrameLimits {
  maxFrameBytes: number
}

/** Frames over one stream. One read at a time. */
export class FrameStream {
  readonly #stream: Stream
  readonly #frames: LengthPrefixedStream<Stream>
  readonly #init: FrameStreamInit
  readonly #onReferrals: (records: readonly Uint8Array[]) => void
  #isInFrame = false
  #hasSentVerdict = false
  #hasParted = false

  /** `onReferrals` is told of the records that come with a refusal, before that is read. */
  constructor(
    stream: Stream,
    init: FrameStreamInit,
    onReferrals: (records: readonly Uint8Array[]) => void = () => undefined,
  ) {
    this.#stream = stream
    this.#init = init
    this.#onReferrals = onReferrals
    this.#frames = lpStream(stream, {
      lengthDecoder: (bytes) => this.#decodeLength(bytes),
      // A peer may send its Verdict and more behind its Hello without waiting for us: room for two frames.
      maxBufferSize: 2 * (init.maxFrameBytes + MAX_PREFIX_BYTES),
    })
  }

  /**
   * Resolves with the next frame.
   * @throws {HandshakeViolationError} when what came is no frame
   */
  async read(signal?: AbortSignal): Promise<Frame> {
    try {
      const bytes = await this.#frames.read({ ...(signal != null && { signal }) })
      this.#isInFrame = false
      const frame = decodeFrame(bytes.subarray(), this.#init)
      const isRefusal = frame.kind === 'verdict' && frame.refusal != null
      if (isRefusal && frame.referrals != null) this.#onReferrals(frame.referrals)
      return frame
    } catch (err) {
      throw this.#explain(err)
    }
  }

  /** Resolves when the frame is with the muxer. */
  async write(frame: OutboundFrame, signal?: AbortSignal): Promise<void> {
    if (frame.kind === 'verdict') this.#hasSentVerdict = true
    if (frame.kind === 'verdict' && frame.refusal != null) this.#hasParted = true
    try {
      await this.#frames.write(encodeFrame(frame), { ...(signal != null && { signal }) })
    } catch (err) {
      // While it waits for a drain, lpStream rejects with the close event of the stream instead of an error.
      throw err instanceof Error ? err : new ConnectionClosedError('The stream closed while a frame was sent')
    }
  }

  /** Tells why we part, in the frame that has its place now, unless a refusal is out already. */
  async part(reason: Reason, signal: AbortSignal): Promise<void> {
    if (this.#hasParted) return
    this.#hasParted = true
    await this.write(this.#hasSentVerdict ? { kind: 'goodbye', reason } : { kind: 'verdict', refusal: reason }, signal)
  }

  /** Ends our direction; the peer can still be read. */
  async closeWrite(signal: AbortSignal): Promise<void> {
    await raced(this.#stream.close({ signal }), signal)
  }

  /** Resolves when the peer has ended its direction too. */
  async whenEnded(signal: AbortSignal): Promise<void> {
    if (this.#stream.status !== 'open' || this.#stream.remoteWriteStatus === 'closed') return
    const ended = Promise.withResolvers<void>()
    const onEnd = () => ended.resolve()
    this.#stream.addEventListener('remoteCloseWrite', onEnd)
    this.#stream.addEventListener('close', onEnd)
    try {
      await raced(ended.promise, signal)
    } finally {
      this.#stream.removeEventListener('remoteCloseWrite', onEnd)
      this.#stream.removeEventListener('close', onEnd)
    }
  }

  /** Ends both directions at once. Frames that came before can still be read. */
  abort(err: Error): void {
    this.#stream.abort(err)
  }

  /**
   * Replaces the default decoder, for which an endless varint is merely incomplete: it would be collected, byte by
   * byte and without a bound, for as long as the peer goes on.
   */
  #decodeLength(bytes: { byteLength: number; get(index: number): number }): number {
    this.#isInFrame = true
    let length = 0
    for (let i = 0; i < bytes.byteLength; i++) {
      const byte = bytes.get(i)
      length += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return this.#withinLimit(length)
    }
    if (bytes.byteLength < MAX_PREFIX_BYTES) throw new RangeError('The length prefix goes on')
    throw new HandshakeViolationError('oversized', `its length prefix is over ${MAX_PREFIX_BYTES} bytes`)
  }

  #withinLimit(length: number): number {
    const { maxFrameBytes } = this.#init
    if (length <= maxFrameBytes) return length
    const message = `${length} bytes came, maxFrameBytes is ${maxFrameBytes}`
    throw new HandshakeViolationError('oversized', message, { limit: 'maxFrameBytes', value: maxFrameBytes })
  }

  #explain(err: unknown): unknown {
    if (!(err instanceof Error)) return new ConnectionClosedError('The stream closed')
    if (err.name === 'StreamBufferError') {
      const { maxFrameBytes } = this.#init
      const limit = { limit: 'maxFrameBytes', value: maxFrameBytes }
      return new HandshakeViolationError('flood', 'more came than two frames, unread', { ...limit, cause: err })
    }
    // Only an end that the peer chose is its doing: a stream that is reset, or goes down with its connection, may end
    // anywhere, and is then no longer open on our side.
    if (err.name === 'UnexpectedEOFError' && this.#isInFrame && this.#stream.status === 'open') {
      return new HandshakeViolationError('truncated', 'the stream ended inside it', { cause: err })
    }
    return err
  }
}

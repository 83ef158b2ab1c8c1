import { ConnectionClosedError, type Stream } from '@libp2p/interface'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { MAX_PREFIX_BYTES } from './constants.ts'
import { PeerExchangeError } from './errors.ts'

/** Messages on a stream, each behind its length. */
export class ExchangeStream {
  readonly #messages: LengthPrefixedStream<Stream>

  constructor(stream: Stream, maxBytes: number) {
    this.#messages = lpStream(stream, {
      lengthDecoder: (bytes) => decodeLength(bytes, maxBytes),
      maxBufferSize: maxBytes + MAX_PREFIX_BYTES,
    })
  }

  /** @throws {PeerExchangeError} for a message longer than `maxBytes`, or a length that has no end */
  async read(signal: AbortSignal): Promise<Uint8Array> {
    try {
      const bytes = await this.#messages.read({ signal })
      return bytes.subarray()
    } catch (err) {
      throw explain(err)
    }
  }

  /** Resolves when the message is with the muxer. */
  async write(message: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      await this.#messages.write(message, { signal })
    } catch (err) {
      throw explain(err)
    }
  }
}

/**
 * Replaces the default decoder, for which an endless varint is merely incomplete: it would be collected, byte by byte,
 * for as long as the peer goes on.
 */
function decodeLength(bytes: { byteLength: number; get(index: number): number }, maxBytes: number): number {
  let length = 0
  for (let i = 0; i < bytes.byteLength; i++) {
    const byte = bytes.get(i)
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte >= 0x80) continue
    if (length <= maxBytes) return length
    throw new PeerExchangeError('oversized', `a message has ${length} bytes, not ${maxBytes}`)
  }
  if (bytes.byteLength < MAX_PREFIX_BYTES) throw new RangeError('The length prefix goes on')
  throw new PeerExchangeError('oversized', `its length prefix is over ${MAX_PREFIX_BYTES} bytes`)
}

function explain(err: unknown): Error {
  // lpStream rejects with the close event of the stream while it waits for a drain.
  if (!(err instanceof Error)) return new ConnectionClosedError('The stream closed')
  if (err.name === 'StreamBufferError') {
    return new PeerExchangeError('oversized', 'more came than one message', { cause: err })
  }
  return err
}

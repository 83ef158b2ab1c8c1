import { SendQueue } from '@gridmesh/chunking'
import { HandshakeRejectedError, type Lane, RateLimitedError } from '@gridmesh/interfaces'
import type { Connection, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { unlessAborted } from './backoff.ts'
import { MAX_STREAMS_PER_LANE, MAX_TOLD_STREAMS, PROTOCOLS, TELL_MS } from './constants.ts'
import type { Core } from './core.ts'
import { LinkLostError, NotReadyError, TooManyStreamsError } from './errors.ts'
import type { PeerLink } from './peer-link.ts'
import { toWireError } from './remote-errors.ts'
import { toError, withTimeout } from './timeout.ts'
import { encodeRefusal } from './wire.ts'

/** A stream that a peer opened. */
export interface Arrival {
  readonly lane: Lane
  readonly stream: Stream
  readonly connection: Connection
}

/** Lets in the streams that peers open, or says why not. */
export class StreamAdmission {
  readonly #core: Core
  /** Refused streams that are kept for as long as it takes to say why. */
  #telling = 0

  constructor(core: Core) {
    this.#core = core
  }

  /**
   * Resolves when the stream may be served. A peer that is refused is told the code, the limit and its value.
   *
   * @throws {RateLimitedError} @throws {TooManyStreamsError} @throws {NotReadyError} @throws {LinkLostError}
   */
  async admit(arrival: Arrival, link: PeerLink, stopped: AbortSignal): Promise<void> {
    try {
      this.#charge(arrival)
      await this.#whenReady(arrival, link, stopped)
      this.#demandRoom(arrival, link)
    } catch (err) {
      await this.#tell(arrival.stream, err, stopped)
      throw err
    }
    if (stopped.aborted || arrival.stream.status !== 'open') throw new LinkLostError()
  }

  #charge({ lane, connection: { remotePeer } }: Arrival): void {
    const verdict = this.#core.siblings.rateLimiter?.take(remotePeer, PROTOCOLS[lane], { streams: 1 }, lane)
    if (verdict?.ok === false) throw new RateLimitedError(verdict.limit, verdict.value, verdict.retryAfterMs)
  }

  async #whenReady(arrival: Arrival, link: PeerLink, stopped: AbortSignal): Promise<void> {
    const { lane, stream, connection } = arrival
    const { remotePeer: peer } = connection
    const { handshake } = this.#core.siblings
    if (handshake?.isReady(peer) !== false) return
    // What waits here holds a window of data each: a stranger must not have as many as its muxer lets in.
    this.#demandRoom(arrival, link)
    stream.pause()
    const leave = link.wait(lane)
    try {
      // Whether the handshake, which may be somebody else's, heeds the signal or not, this ends.
      await withTimeout(this.#core.limits.openTimeoutMs, stopped, (signal) =>
        unlessAborted(handshake.whenReady(peer, { signal }), signal),
      )
    } catch (err) {
      throw notReady(err, this.#core.limits.openTimeoutMs)
    } finally {
      leave()
    }
  }

  /** A stream that is reset at once loses what was written to it, so the peer has a moment to read the reason. */
  async #tell(stream: Stream, error: unknown, stopped: AbortSignal): Promise<void> {
    if (this.#telling >= MAX_TOLD_STREAMS || stopped.aborted) return
    this.#telling += 1
    try {
      const frame = refusalFrame(error)
      if (frame != null) stream.send(frame)
      await withTimeout(TELL_MS, stopped, async (signal) => {
        await stream.close({ signal })
        await whenClosed(stream, signal)
      })
    } catch (err) {
      this.#core.log.trace('could not say why a stream is refused - %e', err)
    } finally {
      this.#telling -= 1
    }
  }

  #demandRoom({ lane, connection }: Arrival, link: PeerLink): void {
    if (link.inboundOf(lane) < MAX_STREAMS_PER_LANE) return
    // A peer that moved ended the oldest itself, and where that connection is dead we never hear of it.
    if (link.endOldest(lane, connection)) return
    throw new TooManyStreamsError(lane, MAX_STREAMS_PER_LANE, this.#core.limits.busyRetryAfterMs)
  }
}

function notReady(cause: unknown, openTimeoutMs: number): NotReadyError {
  if (isRejection(cause)) {
    const { code, limit, value } = cause.reason
    return new NotReadyError(code, { limit, value, cause })
  }
  const { name, message } = toError(cause)
  if (name !== 'TimeoutError') return new NotReadyError(message, { cause })
  const late = `it was not ready within openTimeoutMs, which is ${openTimeoutMs}`
  return new NotReadyError(late, { limit: 'openTimeoutMs', value: openTimeoutMs, cause })
}

/** By name: a handshake of somebody else's has a copy of the class of its own. */
function isRejection(err: unknown): err is HandshakeRejectedError {
  return err instanceof Error && err.name === HandshakeRejectedError.name
}

/** The reason as it goes over a stream of its own. */
function refusalFrame(error: unknown): Uint8Array | Uint8ArrayList | undefined {
  const queue = new SendQueue()
  queue.add(encodeRefusal(toWireError(error)), {})
  return queue.nextBatch()
}

/** Resolves when the peer has ended the stream too. */
async function whenClosed(stream: Stream, signal: AbortSignal): Promise<void> {
  if (stream.status !== 'open') return
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = (): void => resolve()
  stream.addEventListener('close', end)
  signal.addEventListener('abort', end)
  await promise
  stream.removeEventListener('close', end)
  signal.removeEventListener('abort', end)
}

import {
  HandshakeRejectedError,
  type Hello,
  type PeerReport,
  type PeerStatus,
  type Reason,
  type Referrals,
} from '@gridmesh/interfaces'
import { ConnectionClosedError, TimeoutError, type Connection, type Logger, type Stream } from '@libp2p/interface'
import { FAREWELL_MS, HANDSHAKE_PROTOCOL, MAX_OUTBOUND_STREAMS } from './constants.ts'
import { HandshakeViolationError } from './errors.ts'
import { exchange, type Agreement, type Side } from './exchange.ts'
import { blame, explainFailure, type Failure, toleratedFailure } from './failure.ts'
import { FrameStream, type FrameStreamInit } from './frame-stream.ts'
import type { Judgement } from './judge.ts'
import { KeptStream } from './kept-stream.ts'
import { closeConnection, partStream, whenParted } from './part.ts'
import { type Decision, refer, type Referral } from './referral.ts'
import { Deadline, raced, toError } from './timing.ts'

/** Limits of a link. */
export interface LinkInit extends FrameStreamInit {
  deadlineMs: number
  maxStatusPerSecond: number
  unknownPeers: 'disconnect' | 'tolerate'
}

/** Whom a link asks and tells. */
export interface LinkHost {
  hello(signal: AbortSignal): Promise<Hello>
  decide(link: Link, ours: Hello, theirs: Hello, signal: AbortSignal): Promise<Judgement>
  /** Both sides agreed. */
  ready(link: Link, agreement: Agreement): void
  /** The handshake ended without an agreement. */
  failed(link: Link, failure: Failure): void
  /** The peer does not speak the handshake, and its connection stays. */
  tolerated(link: Link, failure: Failure): void
  /** A link that was ready is so no longer. */
  over(link: Link): void
  status(link: Link, status: PeerStatus): void
  goodbye(link: Link, reason: Reason): void
  /** A peer that we dialled and that refuses us tells of others. */
  referred(link: Link, records: readonly Uint8Array[]): void
  report(link: Link, report: PeerReport): void
}

/**
 * Where a link stands.
 *
 * - `waiting`: for the stream
 * - `talking`: exchanging Hellos and Verdicts
 * - `ready`: both sides agreed
 * - `over`: refused, failed or ended
 * - `tolerated`: the peer does not speak the handshake; the connection is left alone
 */
export type LinkState = 'waiting' | 'talking' | 'ready' | 'over' | 'tolerated'

/** The handshake on one connection, from its opening to its end. */
export class Link {
  readonly connection: Connection
  /** Settles with the handshake. */
  readonly outcome: Promise<Agreement>
  readonly startedAt = performance.now()
  /** We accept the peer; the peer may still refuse. */
  isAccepted = false
  readonly #host: LinkHost
  readonly #init: LinkInit
  readonly #log: Logger
  readonly #outcome = Promise.withResolvers<Agreement>()
  readonly #stream = Promise.withResolvers<Stream>()
  readonly #parted = Promise.withResolvers<void>()
  readonly #ended = new AbortController()
  #state: LinkState = 'waiting'
  #finished: Promise<void> | undefined
  #deadline: Deadline | undefined
  #farewell: Deadline | undefined
  #channel: FrameStream | undefined
  #kept: KeptStream | undefined
  #turnedAway: Reason | undefined
  #referral: Referral | undefined
  #hasStream = false
  #hasSaidGoodbye = false
  #isOurTurn = false
  #isStopped = false

  constructor(connection: Connection, host: LinkHost, init: LinkInit, log: Logger) {
    this.connection = connection
    this.outcome = this.#outcome.promise
    this.#host = host
    this.#init = init
    this.#log = log
    // Mostly nobody waits for the outcome, and then its failure is told by the host alone.
    this.outcome.catch(() => undefined)
  }

  get state(): LinkState {
    return this.#state
  }

  /** Starts the deadline and, where we dialled, the handshake. */
  begin(): void {
    const { deadlineMs } = this.#init
    this.#deadline = new Deadline(deadlineMs, () => {
      const waited = this.#isOurTurn ? 'this node did not decide' : `the peer was silent while ${this.#state}`
      return new TimeoutError(`The handshake was not done after ${deadlineMs} ms: ${waited}`)
    })
    this.#finished = this.#run(this.#deadline.signal).catch((err) => {
      this.#log.error('the handshake failed to end - %e', err)
    })
  }

  /**
   * Takes the stream that the dialler opened; with `turnAway` the peer is refused unheard. Returns `unexpected` for a
   * stream that breaks the protocol: a second one, or one from the side that was dialled.
   */
  accept(stream: Stream, turnAway?: Reason): 'taken' | 'late' | 'unexpected' {
    if (this.connection.direction === 'outbound' || this.#hasStream) return 'unexpected'
    if (this.#state !== 'waiting') return 'late'
    this.#hasStream = true
    this.#state = 'talking'
    this.#turnedAway ??= turnAway
    this.#stream.resolve(stream)
    return 'taken'
  }

  /** Sends our status, if the link is ready. */
  announce(status: PeerStatus): void {
    this.#kept?.announce(status).catch((err) => this.#log.trace('could not send the status - %e', err))
  }

  /**
   * Tells the peer why we part, and waits for its sign that it has read it: what is on its way when a connection closes
   * may be lost. A handshake that is under way is refused with that reason; with `referrals` the peer is heard first, and
   * referred to others where it would be accepted.
   */
  async goodbye(reason: Reason, signal: AbortSignal, referrals?: Referrals): Promise<void> {
    if (this.#state === 'ready' && this.#channel != null) {
      this.#hasSaidGoodbye = true
      return partStream(this.#channel, reason, signal, this.#log)
    }
    if (this.#state === 'over' || this.#state === 'tolerated') return undefined
    const refuse = () => this.#deadline?.abort(new HandshakeRejectedError(reason, 'us'))
    if (referrals != null && !this.isAccepted) this.#referral = { reason, referrals }
    // Without a stream there is nothing to say it on; one that comes in time is refused with this reason.
    else if (this.#state === 'waiting') this.#turnedAway = reason
    else refuse()
    return raced(this.#parted.promise, signal).finally(refuse)
  }

  /** The connection has closed. Resolves, never rejects, when the frames that came before are taken in. */
  async disconnected(): Promise<void> {
    const reason = new ConnectionClosedError('The connection closed')
    this.#ended.abort(reason)
    if (this.#channel == null) this.#deadline?.abort(reason)
    else this.#channel.abort(reason)
    await this.#finished
  }

  /** Ends everything at once, without a word to the peer. */
  stop(reason: Error): void {
    this.#isStopped = true
    this.#ended.abort(reason)
    this.#deadline?.abort(reason)
    this.#farewell?.abort(reason)
    this.#channel?.abort(reason)
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      const channel = await this.#open(signal)
      const agreement = await exchange(channel, this.#side(), signal)
      await this.#keep(channel, this.#becomeReady(channel, agreement))
    } catch (err) {
      const thrown: unknown = signal.aborted ? signal.reason : err
      if (this.#isForeign(thrown)) this.#tolerate(toError(thrown))
      else await this.#end(thrown)
    }
  }

  /** Whether the peer shows no sign of knowing the protocol, and is left alone for that. */
  #isForeign(thrown: unknown): boolean {
    if (this.#init.unknownPeers === 'disconnect' || this.#hasStream) return false
    if (this.#turnedAway != null || this.#referral != null) return false
    const { name } = toError(thrown)
    // A dialler that never opens the stream cannot be told from one that does not know it.
    return name === 'UnsupportedProtocolError' || (name === 'TimeoutError' && this.connection.direction === 'inbound')
  }

  #tolerate(cause: Error): void {
    this.#deadline?.clear()
    this.#state = 'tolerated'
    const failure = toleratedFailure(cause)
    this.#host.tolerated(this, failure)
    this.#outcome.reject(failure.error)
    this.#parted.resolve()
  }

  async #open(signal: AbortSignal): Promise<FrameStream> {
    const isDialler = this.connection.direction === 'outbound'
    const stream = await raced(isDialler ? this.#dial(signal) : this.#stream.promise, signal)
    this.#channel = new FrameStream(stream, this.#init, (records) => {
      // Anybody may dial us and say so, and who accepted us has had its say.
      if (isDialler && this.#state === 'talking') this.#host.referred(this, records)
    })
    this.#state = 'talking'
    if (this.#turnedAway != null) throw new HandshakeRejectedError(this.#turnedAway, 'us')
    return this.#channel
  }

  async #dial(signal: AbortSignal): Promise<Stream> {
    const options = { maxOutboundStreams: MAX_OUTBOUND_STREAMS, runOnLimitedConnection: true }
    const stream = await this.connection.newStream(HANDSHAKE_PROTOCOL, { ...options, signal })
    // libp2p heeds the signal only while it negotiates; a stream that comes after nobody waits for it would be lost.
    if (signal.aborted) stream.abort(toError(signal.reason))
    return stream
  }

  #side(): Side {
    return {
      hello: async (signal) => this.#takeTurn(raced(this.#host.hello(signal), signal)),
      decide: async (ours, theirs, signal) => this.#takeTurn(this.#decide(ours, theirs, signal)),
      farewell: () => this.#startFarewell(),
    }
  }

  async #decide(ours: Hello, theirs: Hello, signal: AbortSignal): Promise<Decision> {
    const judgement = await this.#host.decide(this, ours, theirs, signal)
    return this.#referral == null ? judgement : refer(judgement, this.#referral, signal, this.#log)
  }

  /** Remembers that it is we who take the time, for which the peer is not to be blamed. */
  async #takeTurn<T>(work: Promise<T>): Promise<T> {
    this.#isOurTurn = true
    const result = await work
    this.#isOurTurn = false
    return result
  }

  /** Serves a link that is ready until its connection ends, and rejects with the reason of that. */
  async #keep(channel: FrameStream, kept: KeptStream): Promise<never> {
    try {
      await kept.serve(this.#ended.signal)
      return await whenParted(channel, this.#ended.signal)
    } catch (err) {
      if (!this.#hasSaidGoodbye || err instanceof HandshakeViolationError) throw err
    }
    // Once we have said goodbye nothing comes any more; whoever had us say it closes the connection when it is done.
    return raced(new Promise<never>(() => undefined), this.#ended.signal)
  }

  #becomeReady(channel: FrameStream, agreement: Agreement): KeptStream {
    this.#deadline?.clear()
    this.#state = 'ready'
    const listener = {
      status: (status: PeerStatus) => this.#host.status(this, status),
      goodbye: (reason: Reason) => this.#host.goodbye(this, reason),
      report: (report: PeerReport) => this.#host.report(this, report),
    }
    const kept = new KeptStream(channel, listener, this.#init.maxStatusPerSecond)
    this.#kept = kept
    this.#host.ready(this, agreement)
    this.#outcome.resolve(agreement)
    return kept
  }

  async #end(thrown: unknown): Promise<void> {
    this.#deadline?.clear()
    const wasReady = this.#state === 'ready'
    this.#state = 'over'
    const failure = explainFailure(thrown, { deadlineMs: this.#init.deadlineMs, isOurTurn: this.#isOurTurn })
    if (wasReady) this.#endReady(thrown)
    else this.#host.failed(this, failure)
    this.#outcome.reject(failure.error)
    await this.#part(failure.by === 'us' ? failure.reason : undefined)
  }

  #endReady(thrown: unknown): void {
    if (thrown instanceof HandshakeViolationError) this.#host.report(this, blame(thrown))
    this.#host.over(this)
  }

  async #part(reason: Reason | undefined): Promise<void> {
    if (!this.#isStopped) {
      const farewell = this.#startFarewell()
      if (this.#channel != null) await partStream(this.#channel, reason, farewell, this.#log)
      this.#parted.resolve()
      await closeConnection(this.connection, farewell, this.#log)
    }
    this.#parted.resolve()
    this.#farewell?.clear()
  }

  /** One second for all that is left to say: the wait for an answer to our refusal counts towards it. */
  #startFarewell(): AbortSignal {
    this.#farewell ??= new Deadline(FAREWELL_MS, () => new TimeoutError('The peer did not end its side'))
    return this.#farewell.signal
  }
}

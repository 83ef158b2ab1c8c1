import { optional, type PeerReport } from '@gridmesh/interfaces'
import { AbortError, type Connection, type Logger, type PeerId, type Stream } from '@libp2p/interface'
import { MAX_REFERRAL_BYTES, MAX_REFERRALS, MAX_REQUEST_BYTES } from './constants.ts'
import { within } from './deadline.ts'
import { AskedTooSoonError, PeerExchangeError, PeerNotReadyError } from './errors.ts'
import { decodeRequest, encodeReply } from './exchange-messages.ts'
import { ExchangeStream } from './exchange-stream.ts'
import { GapKeeper } from './gap-keeper.ts'
import type { PeerExchangeComponents, PeerExchangeOptions } from './peer-exchange.ts'
import { RecordSampler, type SampleLimits } from './record-sampler.ts'

/** Answers who asks for peers: who is ready, once in a while. */
export class ExchangeServer {
  readonly #components: PeerExchangeComponents
  readonly #options: PeerExchangeOptions
  readonly #log: Logger
  readonly #gaps: GapKeeper
  readonly #sampler: RecordSampler
  #stopper = new AbortController()

  constructor(components: PeerExchangeComponents, options: PeerExchangeOptions, log: Logger) {
    this.#components = components
    this.#options = options
    this.#log = log
    this.#gaps = new GapKeeper(options.requestGapMs, options.maxTrackedPeers)
    this.#sampler = new RecordSampler(components.peerStore, options)
  }

  start(): void {
    this.#stopper = new AbortController()
  }

  stop(): void {
    this.#stopper.abort(new AbortError('Peer exchange stopped'))
    this.#gaps.clear()
    this.#sampler.clear()
  }

  /** A few records for a peer that is turned away, and so has nothing to wait for between two requests. */
  async referrals(asker: PeerId): Promise<Uint8Array[]> {
    return this.#sample(asker, { records: MAX_REFERRALS, bytes: MAX_REFERRAL_BYTES })
  }

  /** Handles one request. What it throws has libp2p abort the stream. */
  readonly onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const asker = connection.remotePeer
    this.#admit(asker)
    try {
      await within(this.#options.timeoutMs, this.#stopper.signal, async (signal) => {
        await this.#answer(stream, asker, signal)
      })
    } catch (err) {
      if (err instanceof PeerExchangeError) this.#report(asker, { class: err.report, evidence: err.message })
      throw err
    }
  }

  /** @throws {PeerNotReadyError} @throws {AskedTooSoonError} */
  #admit(asker: PeerId): void {
    if (optional(this.#components, 'handshake')?.isReady(asker) === false) throw new PeerNotReadyError()
    const timing = this.#gaps.visit(asker.toString())
    if (timing === 'on-time') return
    // A peer that was started anew does not know when it asked last, so once is no offence.
    if (timing === 'flood') this.#report(asker, { class: 'rate-limited', evidence: 'asks for peers too often' })
    throw new AskedTooSoonError(this.#options.requestGapMs)
  }

  async #answer(stream: Stream, asker: PeerId, signal: AbortSignal): Promise<void> {
    const messages = new ExchangeStream(stream, MAX_REQUEST_BYTES)
    const limit = decodeRequest(await messages.read(signal))
    const { maxRecords, maxReplyBytes } = this.#options
    const records = await this.#sample(asker, { records: Math.min(limit, maxRecords), bytes: maxReplyBytes })
    signal.throwIfAborted()
    await messages.write(encodeReply(records), signal)
    await stream.close({ signal })
    this.#log.trace('told %p of %d peers', asker, records.length)
  }

  async #sample(asker: PeerId, limits: SampleLimits): Promise<Uint8Array[]> {
    const peerManager = optional(this.#components, 'peerManager')
    return this.#sampler.sample(asker, limits, (peer) => peerManager?.isBanned(peer) ?? false)
  }

  #report(peer: PeerId, report: PeerReport): void {
    optional(this.#components, 'peerManager')?.report(peer, report)
  }
}

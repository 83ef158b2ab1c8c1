import { optional } from '@gridmesh/interfaces'
import type { Connection, Logger } from '@libp2p/interface'
import { shuffle } from './book-table.ts'
import { MAX_OUTBOUND_STREAMS, PEER_EXCHANGE_PROTOCOL, REQUEST_GAP_MARGIN } from './constants.ts'
import { within } from './deadline.ts'
import { PeerExchangeError } from './errors.ts'
import { decodeReply, encodeRequest } from './exchange-messages.ts'
import { ExchangeStream } from './exchange-stream.ts'
import { GapKeeper } from './gap-keeper.ts'
import type { PeerExchangeComponents, PeerExchangeOptions } from './peer-exchange.ts'
import { openRecord } from './signed-record.ts'
import type { SourcedCandidate } from './strategy.ts'

/** Asks ready peers for others, each one once in a while. */
export class ExchangeClient {
  readonly #components: PeerExchangeComponents
  readonly #options: PeerExchangeOptions
  readonly #log: Logger
  readonly #gaps: GapKeeper

  constructor(components: PeerExchangeComponents, options: PeerExchangeOptions, log: Logger) {
    this.#components = components
    this.#options = options
    this.#log = log
    this.#gaps = new GapKeeper(options.requestGapMs * REQUEST_GAP_MARGIN, options.maxTrackedPeers)
  }

  /** Yields what some peers, asked side by side, tell; one that fails is reported, and the others go on. */
  async *ask(signal: AbortSignal): AsyncGenerator<SourcedCandidate> {
    const chosen = shuffle(await this.#candidates()).slice(0, this.#options.askedPerRun)
    const pending = new Map(chosen.map((connection) => [connection, this.#askOne(connection, signal)]))
    while (pending.size > 0) {
      const { connection, told } = await Promise.race(pending.values())
      pending.delete(connection)
      yield* told
    }
  }

  stop(): void {
    this.#gaps.clear()
  }

  /** One connection to each peer that may be asked now. */
  async #candidates(): Promise<Connection[]> {
    const handshake = optional(this.#components, 'handshake')
    const byPeer = new Map<string, Connection>()
    for (const connection of this.#components.connectionManager.getConnections()) {
      const { remotePeer, status, limits } = connection
      if (status !== 'open' || limits !== undefined || !this.#gaps.isFree(remotePeer.toString())) continue
      if (handshake?.isReady(remotePeer) ?? true) byPeer.set(remotePeer.toString(), connection)
    }
    const checks = [...byPeer.values()].map(async (one) => ((await this.#mayKnow(one)) ? [one] : []))
    return (await Promise.all(checks)).flat()
  }

  /** Where libp2p's identify has told the protocols of a peer, ours has to be one of them. */
  async #mayKnow({ remotePeer }: Connection): Promise<boolean> {
    try {
      const { protocols } = await this.#components.peerStore.get(remotePeer)
      return protocols.length === 0 || protocols.includes(PEER_EXCHANGE_PROTOCOL)
    } catch {
      return true
    }
  }

  async #askOne(
    connection: Connection,
    signal: AbortSignal,
  ): Promise<{ connection: Connection; told: SourcedCandidate[] }> {
    const { remotePeer } = connection
    const told: SourcedCandidate[] = []
    if (this.#gaps.visit(remotePeer.toString()) !== 'on-time') return { connection, told }
    try {
      await within(this.#options.timeoutMs, signal, async (inTime) => this.#converse(connection, told, inTime))
    } catch (err) {
      this.#log('could not learn peers from %p - %e', remotePeer, err)
      if (!signal.aborted || err instanceof PeerExchangeError) this.#blame(connection, err)
    }
    return { connection, told }
  }

  async #converse(connection: Connection, told: SourcedCandidate[], signal: AbortSignal): Promise<void> {
    const { maxRecords, maxReplyBytes, maxAddresses } = this.#options
    const options = { maxOutboundStreams: MAX_OUTBOUND_STREAMS, signal }
    const stream = await connection.newStream(PEER_EXCHANGE_PROTOCOL, options)
    try {
      const messages = new ExchangeStream(stream, maxReplyBytes)
      await messages.write(encodeRequest(maxRecords), signal)
      const reply = await messages.read(signal)
      for (const record of decodeReply(reply, this.#options)) {
        const candidate = await openRecord(record, maxAddresses, signal)
        if (candidate !== undefined) told.push({ ...candidate, source: connection.remoteAddr })
      }
      await stream.close({ signal })
    } catch (err) {
      stream.abort(err instanceof Error ? err : new PeerExchangeError('malformed', 'the exchange failed'))
      throw err
    }
  }

  #blame({ remotePeer, status }: Connection, err: unknown): void {
    const peerManager = optional(this.#components, 'peerManager')
    if (err instanceof PeerExchangeError) {
      peerManager?.report(remotePeer, { class: err.report, evidence: err.message })
    } else if (err instanceof Error && err.name === 'TimeoutError' && status === 'open') {
      peerManager?.report(remotePeer, { class: 'slow', evidence: 'was asked for peers and did not answer' })
    }
  }
}

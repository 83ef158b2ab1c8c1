import type { Handshake, PeerManager } from '@gridmesh/interfaces'
import type { ComponentLogger, Connection, Logger, PeerId, PeerStore } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import {
  DEFAULT_ASKED_PER_RUN,
  DEFAULT_EXCHANGE_TIMEOUT_MS,
  DEFAULT_MAX_ADDRESSES,
  DEFAULT_MAX_RECORD_BYTES,
  DEFAULT_MAX_RECORDS,
  DEFAULT_MAX_REPLY_BYTES,
  DEFAULT_MAX_SHARED_RECORDS,
  DEFAULT_MAX_TRACKED_PEERS,
  DEFAULT_REQUEST_GAP_MS,
  MAX_INBOUND_STREAMS,
  MAX_OUTBOUND_STREAMS,
  PEER_EXCHANGE_PROTOCOL,
} from './constants.ts'
import { demandCounts, demandTimes } from './demand.ts'
import { ExchangeClient } from './exchange-client.ts'
import { ExchangeServer } from './exchange-server.ts'
import { ReferralInbox } from './referral-inbox.ts'
import type { DiscoverOptions, SourcedCandidate, Strategy } from './strategy.ts'

/** Options of the peer exchange. */
export interface PeerExchangeInit {
  /** Records in a reply, ours or a peer's; a reply with more is refused and reported. @default 250 */
  maxRecords?: number
  /** Size of a reply, in bytes; a larger one is refused and reported. @default 262_144 */
  maxReplyBytes?: number
  /** Size of a record, in bytes; larger ones are not passed on, and refused and reported. @default 2_048 */
  maxRecordBytes?: number
  /** Addresses taken from a record; further ones are dropped. @default 8 */
  maxAddresses?: number
  /** Time between two requests of one peer, in ms; earlier ones are refused, and repeated ones reported. @default 10_000 */
  requestGapMs?: number
  /** Peers asked in one round. @default 3 */
  askedPerRun?: number
  /** Time that a request and its reply may take, in ms. @default 5_000 */
  timeoutMs?: number
  /** Peers whose last request is remembered; while there are more, new ones are refused. @default 1_024 */
  maxTrackedPeers?: number
  /** Records held ready for replies, a random selection of those in the peer store. @default 1_000 */
  maxSharedRecords?: number
}

/** The options with every default applied. */
export type PeerExchangeOptions = Readonly<Required<PeerExchangeInit>>

/** What the peer exchange needs, and what it uses where it is there. */
export interface PeerExchangeComponents {
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  /** Where libp2p's identify keeps the signed records of peers; without identify there are none to tell. */
  peerStore: Pick<PeerStore, 'forEach' | 'get'>
  registrar: Pick<Registrar, 'handle' | 'unhandle'>
  logger: ComponentLogger
  /** Without it every connected peer is answered and asked. */
  handshake?: Pick<Handshake, 'isReady'>
  /** Without it nobody is blamed, and records of banned peers are passed on. */
  peerManager?: Pick<PeerManager, 'isBanned' | 'report'>
}

/**
 * Creates the strategy `peer-exchange`: asks ready peers for signed records of peers they know, and answers who asks;
 * where a handshake carries them, peers that have no place are told of a few others, and such are tried.
 * @throws {RangeError} when an option is out of range
 */
export function peerExchange(init: PeerExchangeInit = {}): (components: PeerExchangeComponents) => Strategy {
  const { maxRecords = DEFAULT_MAX_RECORDS, maxReplyBytes = DEFAULT_MAX_REPLY_BYTES } = init
  const { maxRecordBytes = DEFAULT_MAX_RECORD_BYTES, maxAddresses = DEFAULT_MAX_ADDRESSES } = init
  const { askedPerRun = DEFAULT_ASKED_PER_RUN, maxTrackedPeers = DEFAULT_MAX_TRACKED_PEERS } = init
  const { maxSharedRecords = DEFAULT_MAX_SHARED_RECORDS } = init
  const { requestGapMs = DEFAULT_REQUEST_GAP_MS, timeoutMs = DEFAULT_EXCHANGE_TIMEOUT_MS } = init
  const sizes = { maxRecords, maxReplyBytes, maxRecordBytes, maxAddresses }
  const counts = { ...sizes, askedPerRun, maxTrackedPeers, maxSharedRecords }
  demandCounts(counts)
  demandTimes({ requestGapMs, timeoutMs })
  return (components) => new PeerExchange(components, { ...counts, requestGapMs, timeoutMs })
}

/** Both ends of the exchange. */
class PeerExchange implements Strategy {
  readonly name = 'peer-exchange'
  readonly #registrar: PeerExchangeComponents['registrar']
  readonly #client: ExchangeClient
  readonly #server: ExchangeServer
  readonly #inbox: ReferralInbox
  #isStarted = false

  constructor(components: PeerExchangeComponents, options: PeerExchangeOptions) {
    const log: Logger = components.logger.forComponent('gridmesh:discovery-coordinator:peer-exchange')
    this.#registrar = components.registrar
    this.#client = new ExchangeClient(components, options, log)
    this.#server = new ExchangeServer(components, options, log)
    this.#inbox = new ReferralInbox(components, options, log)
  }

  async start(): Promise<void> {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#server.start()
    const limits = { maxInboundStreams: MAX_INBOUND_STREAMS, maxOutboundStreams: MAX_OUTBOUND_STREAMS }
    await this.#registrar.handle(PEER_EXCHANGE_PROTOCOL, this.#server.onStream, limits)
  }

  async stop(): Promise<void> {
    if (!this.#isStarted) return
    this.#isStarted = false
    this.#server.stop()
    this.#client.stop()
    this.#inbox.clear()
    await this.#registrar.unhandle(PEER_EXCHANGE_PROTOCOL)
  }

  async *discover({ signal }: DiscoverOptions): AsyncGenerator<SourcedCandidate> {
    yield* this.#inbox.open(signal)
    yield* this.#client.ask(signal)
  }

  async referrals(asker: PeerId): Promise<readonly Uint8Array[]> {
    return this.#server.referrals(asker)
  }

  referred(records: readonly Uint8Array[], connection: Connection): void {
    if (this.#isStarted) this.#inbox.put(records, connection)
  }
}

import { optional } from '@gridmesh/interfaces'
import type { Connection, Logger } from '@libp2p/interface'
import { MAX_REFERRALS, MAX_REFUSALS } from './constants.ts'
import { PeerExchangeError } from './errors.ts'
import type { PeerExchangeComponents, PeerExchangeOptions } from './peer-exchange.ts'
import { openRecord } from './signed-record.ts'
import type { SourcedCandidate } from './strategy.ts'

/** Records that came with one refusal, unchecked. */
interface Referral {
  readonly records: readonly Uint8Array[]
  readonly connection: Connection
}

/** Keeps what peers that have no place for us tell of others, until it is asked for. */
export class ReferralInbox {
  readonly #components: PeerExchangeComponents
  readonly #options: PeerExchangeOptions
  readonly #log: Logger
  #referrals: Referral[] = []

  constructor(components: PeerExchangeComponents, options: PeerExchangeOptions, log: Logger) {
    this.#components = components
    this.#options = options
    this.#log = log
  }

  put(records: readonly Uint8Array[], connection: Connection): void {
    this.#referrals.push({ records: records.slice(0, MAX_REFERRALS), connection })
    if (this.#referrals.length > MAX_REFUSALS) this.#referrals.shift()
  }

  /** Yields the candidates in what came since. Whoever passed on what no peer signed is reported, and not believed. */
  async *open(signal: AbortSignal): AsyncGenerator<SourcedCandidate> {
    const referrals = this.#referrals
    this.#referrals = []
    for (const referral of referrals) yield* await this.#candidates(referral, signal)
  }

  clear(): void {
    this.#referrals = []
  }

  async #candidates({ records, connection }: Referral, signal: AbortSignal): Promise<SourcedCandidate[]> {
    const { maxAddresses, maxRecordBytes } = this.#options
    const told: SourcedCandidate[] = []
    try {
      for (const record of records) {
        if (record.byteLength > maxRecordBytes) continue
        const candidate = await openRecord(record, maxAddresses, signal)
        if (candidate !== undefined) told.push({ ...candidate, source: connection.remoteAddr })
      }
      return told
    } catch (err) {
      if (!(err instanceof PeerExchangeError)) throw err
      this.#log('could not learn peers from the refusal of %p - %e', connection.remotePeer, err)
      const report = { class: err.report, evidence: err.message }
      optional(this.#components, 'peerManager')?.report(connection.remotePeer, report)
      return []
    }
  }
}

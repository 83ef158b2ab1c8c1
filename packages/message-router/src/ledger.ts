import type { Logger, PeerId } from '@libp2p/interface'
import type { PeerManager, Reason, ReportClass } from '@gridmesh/interfaces'
import { MAX_EVIDENCE_LENGTH } from './constants.ts'
import type { DropReason } from './dispatcher.ts'
import type { RouterMetrics } from './metrics.ts'
import { faultOf, policyFor } from './policies.ts'
import type { Policies, PolicyAction } from './policies.ts'
import type { DroppedMessage, RefusedMessage } from './index.ts'
import type { Statistics } from './statistics.ts'
import { textOf } from './thrown.ts'

/** One message, as far as it is known. */
export interface Subject {
  readonly from: PeerId
  readonly kind: string
  readonly via: 'broadcast' | 'unicast'
}

/** What the ledger writes to. */
export interface LedgerInit {
  log: Logger
  statistics: Statistics
  metrics: RouterMetrics
  policies: Policies
  onDropped(message: DroppedMessage): void
  onRefused(message: RefusedMessage): void
}

/**
 * Classes that are covered by what a carrier charges for a rejected broadcast. Graver ones, which bring longer bans
 * and must show in `explain`, are reported beside it.
 */
const CHARGED_BY_CARRIER: ReadonlySet<ReportClass> = new Set<ReportClass>(['invalid-message', 'protocol-violation'])

/** Where every message is accounted for, and whoever brought a bad one is held to it. */
export class Ledger {
  readonly #init: LedgerInit
  readonly #peerManager: PeerManager | undefined

  constructor(init: LedgerInit, peerManager: PeerManager | undefined) {
    this.#init = init
    this.#peerManager = peerManager
  }

  received({ from, kind }: Subject, count = 1): void {
    this.#init.statistics.count(from.toString(), kind, { what: 'in' }, count)
    this.#init.metrics.received(kind, count)
  }

  /** `peer` is absent for a broadcast: its delivery knows the peers. */
  sent(kind: string, count: number, peer?: PeerId): void {
    this.#init.statistics.count(peer?.toString(), kind, { what: 'out' }, count)
    this.#init.metrics.sent(kind, count)
    this.#init.metrics.batch(count)
  }

  dropped({ from, kind }: Subject, lane: DroppedMessage['lane'], reason: DropReason, count = 1): void {
    this.#init.statistics.count(from.toString(), kind, { what: 'dropped' }, count)
    this.#init.metrics.dropped(reason, count)
    this.#init.log.trace('dropped %s of lane %s from %p: %s', kind, lane, from, reason)
    this.#init.onDropped({ kind, lane, reason })
  }

  /** A message was refused before it was queued. Returns what its policy says. */
  refused(subject: Subject, err: unknown): PolicyAction {
    const { action, code } = this.#punish(subject, err, subject.via === 'broadcast')
    this.#init.onRefused({ from: subject.from, kind: subject.kind, code })
    return action
  }

  /** A handler threw, or ran out of time. */
  failed(subject: Subject, code: 'handler-threw' | 'handler-timeout', err: unknown): void {
    const failure = new HandlerFailure(code, err)
    const known = err instanceof Error ? err : failure
    this.#init.log.error('handler of %s failed on a message from %p - %e', subject.kind, subject.from, known)
    this.#punish(subject, failure, false)
  }

  handled(kind: string, tookMs: number): void {
    this.#init.metrics.handled(kind, tookMs)
  }

  /** @param isRejected the carrier will be told to reject the message, and charges the peer for that itself */
  #punish({ from, kind, via }: Subject, err: unknown, isRejected: boolean): { action: PolicyAction; code: string } {
    const { log, statistics, metrics, policies } = this.#init
    const fault = faultOf(err)
    const { code } = fault
    const { action, class: blamed } = policyFor(policies, fault)
    const evidence = `${code}: ${kind} by ${via}: ${textOf(err)}`.slice(0, MAX_EVIDENCE_LENGTH)

    statistics.count(from.toString(), kind, { what: 'error', code })
    metrics.refused(code)
    if (code === 'internal') log.error('a message from %p could not be opened - %e', from, err)
    else log.trace('%p: %s', from, evidence)

    if (action === 'ignore') return { action, code }
    if (!(isRejected && CHARGED_BY_CARRIER.has(blamed))) this.#peerManager?.report(from, { class: blamed, evidence })
    if (action === 'disconnect') this.#disconnect(from, { code, message: evidence, ...limitOf(err, code) })
    return { action, code }
  }

  #disconnect(peer: PeerId, reason: Reason): void {
    this.#peerManager?.disconnect(peer, reason).catch((err: unknown) => {
      this.#init.log('disconnecting %p failed - %e', peer, err)
    })
  }
}

/** Gives what a handler threw the code of the table, whatever code it has itself. */
class HandlerFailure extends Error {
  static override readonly name = 'HandlerFailure'
  override readonly name = 'HandlerFailure'
  readonly code: string

  constructor(code: string, cause: unknown) {
    super(textOf(cause), { cause })
    this.code = code
  }
}

/** The limit that a message was beyond; without one it is the policy that an operator can change. */
function limitOf(err: unknown, code: string): Pick<Reason, 'limit' | 'value'> {
  if (err instanceof Error && 'limit' in err && 'value' in err) {
    if (typeof err.limit === 'string' && typeof err.value === 'number') return { limit: err.limit, value: err.value }
  }
  return { limit: `policies.${code}` }
}

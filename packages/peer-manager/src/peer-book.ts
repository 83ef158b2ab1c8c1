import type { Lane, Parting, PeerState } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import type { Map as ImmutableMap } from 'immutable'
import { SHORTEST_BAN_MS } from './offences.ts'
import type { PeerManagerOptions } from './options.ts'
import { type ManagedPeer, newRecord, type RemovableField, scoredAt } from './record.ts'
import { PeerRegistry } from './registry.ts'
import { decay } from './reputation.ts'
import { type LedgerEntry, type LedgerState, ReportLedger } from './report-ledger.ts'
import { leastValuable } from './retention.ts'
import { isSet, readBack } from './stored-time.ts'
import { TrafficCounters, type TrafficUpdate } from './traffic.ts'
import { canMove } from './transitions.ts'

/** Who is told of changes. Called after the change is in place. */
export interface PeerBookHooks {
  onState(record: ManagedPeer, from: PeerState, parting?: Parting): void
  onChange(key: string): void
  onForget(key: string): void
}

type Changes = Omit<Partial<ManagedPeer>, 'state' | 'id'>

/** What goes with a move. */
export interface Move {
  readonly changes?: Changes
  readonly removed?: readonly RemovableField[]
  /** Why the peer moves, where anybody said. */
  readonly parting?: Parting | undefined
}

/** Peers forgotten beyond the surplus when the book is full, as a share of `maxPeers`. */
const FORGET_SHARE = 0.01

/** The one writer of the registry, with the counters and the ledgers that belong to its records. */
export class PeerBook {
  readonly #options: PeerManagerOptions
  readonly #hooks: PeerBookHooks
  readonly #registry = new PeerRegistry()
  readonly #traffic = new TrafficCounters()
  readonly #ledgers = new Map<string, ReportLedger>()
  #hasCheckedTimes = false

  constructor(options: PeerManagerOptions, hooks: PeerBookHooks) {
    this.#options = options
    this.#hooks = hooks
  }

  /** A consistent snapshot, with the traffic counted up to now. */
  get snapshot(): ImmutableMap<string, ManagedPeer> {
    this.foldTraffic()
    return this.#registry.snapshot
  }

  has(key: string): boolean {
    return this.#registry.has(key)
  }

  /** The record with the traffic counted up to now. */
  get(key: string): ManagedPeer | undefined {
    this.foldTraffic(key)
    return this.#registry.get(key)
  }

  /** The record as it stands, without the traffic since the last look: for decisions that do not turn on it. */
  peek(key: string): ManagedPeer | undefined {
    return this.#registry.get(key)
  }

  counts(): Record<PeerState, number> {
    return this.#registry.counts()
  }

  inStates(...states: readonly PeerState[]): ManagedPeer[] {
    return this.#registry.inStates(...states)
  }

  /** The record of `peer`, made now if there was none. The least valuable others make room for it. */
  ensure(peer: PeerId): ManagedPeer {
    const key = peer.toString()
    const held = this.#registry.get(key)
    if (held !== undefined) return held
    const record = newRecord(peer, Date.now())
    this.#registry.put(record)
    this.#forgetSurplus(key)
    return record
  }

  /** Takes over a record from an earlier run, unless the peer is known again already. */
  restore(record: ManagedPeer, ledger: ReportLedger): void {
    const key = record.id.toString()
    if (this.#registry.has(key)) return
    this.#registry.put(record)
    this.#ledgers.set(key, ledger)
    this.#forgetSurplus()
  }

  /** Once the clock is set, takes back the times of records that were read before and lie too far ahead of it. */
  checkTimes(): void {
    const nowMs = Date.now()
    if (this.#hasCheckedTimes || !isSet(nowMs)) return
    this.#hasCheckedTimes = true
    for (const [key, { firstSeenMs, lastSeenMs, scoredMs }] of this.#registry.snapshot) {
      const latestMs = Math.max(firstSeenMs, lastSeenMs, scoredMs)
      if (readBack(latestMs, nowMs) === latestMs) continue
      const seen = { firstSeenMs: readBack(firstSeenMs, nowMs), lastSeenMs: readBack(lastSeenMs, nowMs) }
      this.change(key, { ...seen, scoredMs: readBack(scoredMs, nowMs) })
    }
  }

  /** Changes a record for something that the peer did: it was seen now. `undefined` for a peer that is not held. */
  see(key: string, changes: Changes = {}): ManagedPeer | undefined {
    return this.#seeAt(key, Date.now(), changes)
  }

  /** Changes a record for something that the peer did not do: that says nothing of when it was seen. */
  change(key: string, changes: Changes = {}, removed?: readonly RemovableField[]): ManagedPeer | undefined {
    const held = this.#registry.get(key)
    if (held === undefined) return undefined
    const scored = scoredAt(held, Date.now(), this.#options.halfLifeMs)
    const record = this.#registry.update(key, { ...scored, ...changes }, removed)
    this.#hooks.onChange(key)
    return record
  }

  /** Moves a peer, or returns `false` where it is not held or the table does not have the move. */
  move(key: string, to: PeerState, { changes = {}, removed, parting }: Move = {}): boolean {
    const held = this.#registry.get(key)
    if (held === undefined || !canMove(held.state, to)) return false
    const scored = scoredAt(held, Date.now(), this.#options.halfLifeMs)
    const record = this.#registry.move(key, to, { ...scored, ...changes }, removed)
    this.#hooks.onChange(key)
    this.#hooks.onState(record, held.state, parting)
    return true
  }

  /** Appends to the ledger of a peer that is held. */
  note(key: string, entry: LedgerEntry): void {
    if (!this.#registry.has(key)) return
    const ledger = this.#ledgers.get(key) ?? new ReportLedger(this.#options.maxLedgerEntries)
    this.#ledgers.set(key, ledger)
    ledger.append(entry)
    this.#hooks.onChange(key)
  }

  /** Everything noted of a peer. */
  ledgerState(key: string): LedgerState {
    return this.#ledgers.get(key)?.state() ?? { entries: [], lastByClass: {} }
  }

  /** The ban that the late reports on a peer call for, in ms. */
  gravestBanMs(key: string, isProvenOnly: boolean): number {
    const sinceMs = Date.now() - this.#options.halfLifeMs
    return this.#ledgers.get(key)?.gravestBanMs(sinceMs, isProvenOnly) ?? SHORTEST_BAN_MS
  }

  /** Reputation decayed to `nowMs`; 0 for a stranger. */
  reputation(key: string, nowMs: number): number {
    const record = this.#registry.get(key)
    return record === undefined ? 0 : decay(record.reputation, nowMs - record.scoredMs, this.#options.halfLifeMs)
  }

  /** Counts one message of a peer that is held; others are not counted, or strangers could make counters grow. */
  countTraffic(key: string, lane: Lane, direction: 'in' | 'out', bytes: number): void {
    if (this.#traffic.count(key, lane, direction, bytes) || !this.#registry.has(key)) return
    this.#traffic.add(key)
    this.#traffic.count(key, lane, direction, bytes)
  }

  /** Brings the records of all peers, or of one, up to the traffic counted. */
  foldTraffic(key?: string): void {
    for (const update of this.#traffic.drain(key)) this.#foldUpdate(update)
  }

  #foldUpdate({ key, traffic, lastInMs }: TrafficUpdate): void {
    this.#seeAt(key, lastInMs, { traffic })
  }

  #seeAt(key: string, atMs: number, changes: Changes): ManagedPeer | undefined {
    const lastSeenMs = Math.max(atMs, this.#registry.get(key)?.lastSeenMs ?? 0)
    return this.change(key, { ...changes, lastSeenMs })
  }

  #forgetSurplus(keep?: string): void {
    const surplus = this.#registry.size - this.#options.maxPeers
    if (surplus <= 0) return
    const { maxPeers, halfLifeMs } = this.#options
    const context = { surplus, extra: Math.floor(maxPeers * FORGET_SHARE), keep, nowMs: Date.now(), halfLifeMs }
    // Banned peers are looked at last: with a book full of them, every newcomer would have all of them ranked anew.
    const forgotten = leastValuable(this.#registry.inStates('known'), context)
    const missing = surplus - forgotten.length
    if (missing > 0) {
      forgotten.push(...leastValuable(this.#registry.inStates('banned'), { ...context, surplus: missing, extra: 0 }))
    }
    for (const key of forgotten) {
      this.#registry.remove(key)
      this.#traffic.remove(key)
      this.#ledgers.delete(key)
      this.#hooks.onForget(key)
    }
  }
}

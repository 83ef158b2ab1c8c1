import type { Lane, Parting, PeerState } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import type { Map as ImmutableMap } from 'immutable'
import { MAX_RESTING_ENTRIES } from './constants.ts'
import { SHORTEST_BAN_MS } from './offences.ts'
import type { PeerManagerOptions } from './options.ts'
import {
  changeRecord,
  type ManagedPeer,
  mergeAddresses,
  movedBy,
  newRecord,
  rememberedHello,
  type RemovableField,
  scoredAt,
} from './record.ts'
import { PeerRegistry } from './registry.ts'
import { decay } from './reputation.ts'
import { type LedgerEntry, type LedgerState, movedLedger, ReportLedger } from './report-ledger.ts'
import { leastValuable } from './retention.ts'
import { SteadyClock } from './steady-clock.ts'
import type { RestoredPeer } from './stored-peer.ts'
import { correctionMs } from './stored-time.ts'
import { TrafficCounters, type TrafficUpdate } from './traffic.ts'
import { canMove, isLinked } from './transitions.ts'

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
  readonly #clock = new SteadyClock()
  readonly #traffic = new TrafficCounters()
  readonly #ledgers = new Map<string, ReportLedger>()
  /** How long those peers seem to have been stored of whom nothing was noted since. */
  readonly #awayMs = new Map<string, number>()

  constructor(options: PeerManagerOptions, hooks: PeerBookHooks) {
    this.#options = options
    this.#hooks = hooks
  }

  /** The time by which bans and reputations go, ms since the epoch: a system clock that is set makes none of it pass. */
  now(): number {
    return this.#clock.now()
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
    const record = newRecord(peer, this.now())
    this.#registry.put(record)
    this.#forgetSurplus(key)
    return record
  }

  /** Takes over a record from an earlier run, whose limits may have been wider, unless the peer is known again already. */
  restore({ record, ledger, awayMs }: RestoredPeer): void {
    const key = record.id.toString()
    if (this.#registry.has(key)) return
    const addresses = mergeAddresses(key, [], record.addresses, this.#options)
    this.#registry.put(changeRecord(record, { addresses }))
    this.#ledgers.set(key, this.#ledgerOf(ledger))
    this.#awayMs.set(key, awayMs)
    this.#forgetSurplus()
  }

  /**
   * Where the system clock was set, moves all times with it: what is left of a ban, and how old a report is, stays. Only
   * for what is older than this run the new clock may tell better how long it was stored.
   */
  followClock(): void {
    this.foldTraffic()
    const stepMs = this.#clock.follow()
    if (stepMs === 0) return
    for (const [key, record] of this.#registry.snapshot) {
      const byMs = this.#followedBy(key, stepMs)
      this.#registry.update(key, movedBy(record, byMs))
      const ledger = this.#ledgers.get(key)
      if (ledger !== undefined) this.#ledgers.set(key, this.#ledgerOf(movedLedger(ledger.state(), byMs)))
      // Stored with the wrong time, a ban would begin again at the next start.
      if (record.state === 'banned') this.#hooks.onChange(key)
    }
  }

  /** Changes a record for something that the peer did: it was seen now. `undefined` for a peer that is not held. */
  see(key: string, changes: Changes = {}): ManagedPeer | undefined {
    return this.#seeAt(key, this.now(), changes)
  }

  /** Changes a record for something that the peer did not do: that says nothing of when it was seen. */
  change(key: string, changes: Changes = {}, removed?: readonly RemovableField[]): ManagedPeer | undefined {
    const held = this.#registry.get(key)
    if (held === undefined) return undefined
    const scored = scoredAt(held, this.now(), this.#options.halfLifeMs)
    const record = this.#registry.update(key, { ...scored, ...changes }, removed)
    this.#hooks.onChange(key)
    return record
  }

  /** Moves a peer, or returns `false` where it is not held or the table does not have the move. */
  move(key: string, to: PeerState, { changes = {}, removed, parting }: Move = {}): boolean {
    const held = this.#registry.get(key)
    if (held === undefined || !canMove(held.state, to)) return false
    const scored = scoredAt(held, this.now(), this.#options.halfLifeMs)
    const resting = isLinked(to) ? {} : this.#rest(held)
    const record = this.#registry.move(key, to, { ...scored, ...resting, ...changes }, removed)
    this.#hooks.onChange(key)
    this.#hooks.onState(record, held.state, parting)
    return true
  }

  /** Appends to the ledger of a peer that is held. */
  note(key: string, entry: LedgerEntry): void {
    if (!this.#registry.has(key)) return
    const ledger = this.#ledgers.get(key) ?? this.#ledgerOf()
    this.#ledgers.set(key, ledger)
    this.#awayMs.delete(key)
    ledger.append(entry)
    this.#hooks.onChange(key)
  }

  /** Everything noted of a peer. */
  ledgerState(key: string): LedgerState {
    return this.#ledgers.get(key)?.state() ?? { entries: [], lastByClass: {} }
  }

  /** The ban that the late reports on a peer call for, in ms. */
  gravestBanMs(key: string, isProvenOnly: boolean): number {
    const sinceMs = this.now() - this.#options.halfLifeMs
    return this.#ledgers.get(key)?.gravestBanMs(sinceMs, isProvenOnly) ?? SHORTEST_BAN_MS
  }

  /** Reputation decayed to `nowMs`; 0 for a stranger. */
  reputation(key: string, nowMs: number = this.now()): number {
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

  /** Keeps of a peer that goes what is asked for later: the book is long. */
  #rest({ id, hello }: ManagedPeer): Changes {
    this.#ledgers.get(id.toString())?.foldTo(MAX_RESTING_ENTRIES)
    return hello === undefined ? {} : { hello: rememberedHello(hello) }
  }

  #followedBy(key: string, stepMs: number): number {
    const awayMs = this.#awayMs.get(key)
    if (awayMs === undefined) return stepMs
    this.#awayMs.set(key, awayMs + stepMs)
    return correctionMs(awayMs + stepMs) - correctionMs(awayMs)
  }

  #ledgerOf(state?: LedgerState): ReportLedger {
    return new ReportLedger(this.#options.maxLedgerEntries, state)
  }

  #foldUpdate({ key, traffic, lastInMs }: TrafficUpdate): void {
    // A system clock that was set ahead must not tell of a message to come.
    this.#seeAt(key, Math.min(lastInMs, this.now()), { traffic })
  }

  #seeAt(key: string, atMs: number, changes: Changes): ManagedPeer | undefined {
    const lastSeenMs = Math.max(atMs, this.#registry.get(key)?.lastSeenMs ?? atMs)
    return this.change(key, { ...changes, lastSeenMs })
  }

  #forgetSurplus(keep?: string): void {
    const surplus = this.#registry.size - this.#options.maxPeers
    if (surplus <= 0) return
    const { maxPeers, halfLifeMs } = this.#options
    const context = { surplus, extra: Math.floor(maxPeers * FORGET_SHARE), keep, nowMs: this.now(), halfLifeMs }
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
      this.#awayMs.delete(key)
      this.#hooks.onForget(key)
    }
  }
}

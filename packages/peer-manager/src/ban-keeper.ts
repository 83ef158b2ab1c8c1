import type { PeerId } from '@libp2p/interface'
import { MAX_TIME_MS } from './constants.ts'
import { cleanEvidence } from './explain.ts'
import type { PeerManagerOptions } from './options.ts'
import type { PeerBook } from './peer-book.ts'
import { type BanLimit, isBanned, type PeerManagerReason } from './reasons.ts'

/** A ban, as it is told. */
export interface PeerBan {
  readonly peer: PeerId
  readonly reason: string
  /** End of the ban, ms since the epoch. */
  readonly untilMs: number
}

/** Who is told of bans and their ends. */
export interface BanHooks {
  onBan(ban: PeerBan): void
  onUnban(peer: PeerId): void
}

/** Imposes, lifts and ends bans. */
export class BanKeeper {
  readonly #book: PeerBook
  readonly #options: PeerManagerOptions
  readonly #hooks: BanHooks

  constructor(book: PeerBook, options: PeerManagerOptions, hooks: BanHooks) {
    this.#book = book
    this.#options = options
    this.#hooks = hooks
  }

  /** Whether a ban of the peer is in force now. One that is over is ended on the way. */
  isBanned(key: string): boolean {
    const record = this.#book.peek(key)
    if (record?.bannedUntilMs === undefined) return false
    if (record.bannedUntilMs > this.#book.now()) return true
    this.lift(key, 'the ban is over', false)
    return false
  }

  /** Bans, or changes the end and reason of a ban in force. Returns what the peer is to be told. */
  impose(peer: PeerId, reason: string, durationMs: number, limit: BanLimit): PeerManagerReason {
    const key = peer.toString()
    const nowMs = this.#book.now()
    const banReason = cleanEvidence(reason, this.#options.maxEvidenceLength)
    const bannedUntilMs = Math.min(nowMs + durationMs, MAX_TIME_MS)
    this.#book.ensure(peer)
    const evidence = `until ${new Date(bannedUntilMs).toISOString()}: ${banReason}`
    this.#book.note(key, { kind: 'ban', points: 0, evidence, atMs: nowMs })
    const changes = { bannedUntilMs, banReason }
    const told = isBanned(bannedUntilMs, banReason, limit)
    const parting = { reason: told, by: 'us' as const }
    if (!this.#book.move(key, 'banned', { changes, parting })) this.#book.change(key, changes)
    this.#hooks.onBan({ peer, reason: banReason, untilMs: bannedUntilMs })
    return told
  }

  /**
   * Ends a ban. Where it is pardoned the reputation that led to it is forgotten too, or the next report would ban
   * again. Returns whether there was a ban.
   */
  lift(key: string, why: string, isPardon: boolean): boolean {
    const record = this.#book.peek(key)
    if (record?.state !== 'banned') return false
    const nowMs = this.#book.now()
    const reputation = this.#book.reputation(key, nowMs)
    const forgiven = isPardon ? Math.max(0, -reputation) : 0
    this.#book.note(key, { kind: 'unban', points: forgiven, evidence: why, atMs: nowMs })
    const changes = isPardon ? { reputation: Math.max(0, reputation), provenReputation: 0 } : {}
    this.#book.move(key, 'known', { changes, removed: ['bannedUntilMs', 'banReason'] })
    this.#hooks.onUnban(record.id)
    return true
  }

  /** Ends all bans that are over. */
  sweep(): void {
    for (const { id } of this.#book.inStates('banned')) this.isBanned(id.toString())
  }
}

import type { Lane } from '@gridmesh/interfaces'
import { type WindowVerdict, ReplayWindow } from './replay-window.ts'

/**
 * What the guard makes of an envelope.
 *
 * - `fresh`, `seen`, `behind-window`: as its sender's window for its lane says
 * - `before-floor`: dated at or before the floor, where what was seen has been forgotten
 * - `no-room`: from a sender without windows, while all `maxSenders` are needed
 */
export type ReplayVerdict = WindowVerdict | 'before-floor' | 'no-room'

/** What identifies an envelope to the guard. */
export interface ReplayTicket {
  /** The sender, as a map key. */
  sender: string
  lane: Lane
  sequence: bigint
  timeMs: number
}

/** What is kept of one window over a clean stop. */
export interface WindowSummary {
  sender: string
  lane: Lane
  /** Highest number seen. */
  top: bigint
  /** Latest time of an accepted envelope of the sender, in any lane. */
  newestMs: number
}

/** Options of `ReplayGuard`. */
export interface ReplayGuardInit {
  maxSenders: number
  windowBits: number
  /** Envelopes older than this are refused by the caller, so what they were need not be remembered. */
  clockSkewMs: number
}

interface SenderRecord {
  /** Latest time of an accepted envelope. */
  newestMs: number
  windows: Map<Lane, ReplayWindow>
}

/** Replay windows per sender and lane, bounded, with a floor in time below which nothing passes. */
export class ReplayGuard {
  readonly #init: ReplayGuardInit
  /** In order of last heard, the longest silent first. */
  readonly #senders = new Map<string, SenderRecord>()
  #floorMs = 0
  #newestMs = 0

  constructor(init: ReplayGuardInit) {
    this.#init = init
  }

  /** Envelopes dated at or before it are refused. */
  get floorMs(): number {
    return this.#floorMs
  }

  /** Latest time of any accepted envelope. */
  get newestMs(): number {
    return this.#newestMs
  }

  get size(): number {
    return this.#senders.size
  }

  /** Refuses everything dated at or before `floorMs` from now on. The floor never sinks. */
  raiseFloor(floorMs: number): void {
    this.#floorMs = Math.max(this.#floorMs, floorMs)
  }

  /** Says what `mark` would, and changes nothing but to forget a sender that is no longer needed. */
  check(ticket: ReplayTicket): ReplayVerdict {
    if (ticket.timeMs <= this.#floorMs) return 'before-floor'
    const record = this.#senders.get(ticket.sender)
    if (record === undefined) return this.#hasRoom() ? 'fresh' : 'no-room'
    return record.windows.get(ticket.lane)?.check(ticket.sequence) ?? 'fresh'
  }

  /** As `check`; a fresh envelope counts as seen from now on. */
  mark(ticket: ReplayTicket): ReplayVerdict {
    const verdict = this.check(ticket)
    if (verdict !== 'fresh') return verdict

    const { sender, lane, sequence, timeMs } = ticket
    const record = this.#senders.get(sender) ?? { newestMs: 0, windows: new Map<Lane, ReplayWindow>() }
    const window = record.windows.get(lane) ?? new ReplayWindow(this.#init.windowBits)
    window.mark(sequence)
    record.windows.set(lane, window)
    record.newestMs = Math.max(record.newestMs, timeMs)
    this.#newestMs = Math.max(this.#newestMs, timeMs)
    this.#senders.delete(sender)
    this.#senders.set(sender, record)
    return 'fresh'
  }

  /** Forgets every sender whose newest envelope is too old to be accepted again. */
  sweep(): void {
    for (const sender of this.#senders.keys()) this.#forgetIfOld(sender)
  }

  /** What must outlive a clean stop, beside the floor. */
  summary(): WindowSummary[] {
    const rows: WindowSummary[] = []
    for (const [sender, { newestMs, windows }] of this.#senders) {
      for (const [lane, { top }] of windows) if (top !== undefined) rows.push({ sender, lane, top, newestMs })
    }
    return rows
  }

  /** Takes a summary back: each window counts as full up to its top. */
  restore(summary: Iterable<WindowSummary>): void {
    for (const { sender, lane, top, newestMs } of summary) {
      this.#newestMs = Math.max(this.#newestMs, newestMs)
      const known = this.#senders.get(sender)
      // The bound may be lower than it was: who does not fit is covered by the floor instead.
      if (known === undefined && !this.#hasRoom()) {
        this.raiseFloor(newestMs)
        continue
      }
      const record = known ?? { newestMs, windows: new Map<Lane, ReplayWindow>() }
      record.windows.set(lane, ReplayWindow.filledTo(top, this.#init.windowBits))
      this.#senders.set(sender, record)
    }
  }

  // A young sender is never evicted for a new one: its envelopes could be replayed.
  #hasRoom(): boolean {
    if (this.#senders.size < this.#init.maxSenders) return true
    const silent = this.#senders.keys().next()
    return silent.done !== true && this.#forgetIfOld(silent.value)
  }

  #forgetIfOld(sender: string): boolean {
    const record = this.#senders.get(sender)
    if (record === undefined || Date.now() - record.newestMs <= this.#init.clockSkewMs) return false
    this.#senders.delete(sender)
    // All it sent is too old by now; the floor keeps that so should our clock be set back.
    this.raiseFloor(record.newestMs)
    return true
  }
}

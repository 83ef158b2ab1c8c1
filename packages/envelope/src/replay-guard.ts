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
  /** Envelopes dated at or before it are refused: before a kill they may have been accepted. */
  floorMs: number
  windows: Map<Lane, ReplayWindow>
}

/** Replay windows per sender and lane, bounded, with a floor in time below which nothing passes. */
export class ReplayGuard {
  readonly #init: ReplayGuardInit
  /** In order of last heard, the longest silent first. */
  readonly #senders = new Map<string, SenderRecord>()
  #floorMs = 0

  constructor(init: ReplayGuardInit) {
    this.#init = init
  }

  /** Envelopes dated at or before it are refused. */
  get floorMs(): number {
    return this.#floorMs
  }

  get size(): number {
    return this.#senders.size
  }

  /** Refuses everything dated at or before `floorMs` from now on; only `sweep` lets the floor sink. */
  raiseFloor(floorMs: number): void {
    this.#floorMs = Math.max(this.#floorMs, floorMs)
  }

  /** As `raiseFloor`, for one sender; for all of them where there is no room for another one. */
  raiseSenderFloor(sender: string, floorMs: number): void {
    const record = this.#recordOf(sender)
    if (record === undefined) {
      this.raiseFloor(floorMs)
      return
    }
    record.floorMs = Math.max(record.floorMs, floorMs)
  }

  /** Latest time of an accepted envelope of `sender`; 0 where none is known. */
  newestOf(sender: string): number {
    return this.#senders.get(sender)?.newestMs ?? 0
  }

  /** The time of each sender after which nothing of it can have been accepted. */
  latestBySender(): Map<string, number> {
    return new Map([...this.#senders].map(([sender, record]) => [sender, latestMs(record)]))
  }

  /** Says what `mark` would, and changes nothing but to forget a sender that is no longer needed. */
  check(ticket: ReplayTicket): ReplayVerdict {
    if (ticket.timeMs <= this.#floorMs) return 'before-floor'
    const record = this.#senders.get(ticket.sender)
    if (record === undefined) return this.#hasRoom() ? 'fresh' : 'no-room'
    if (ticket.timeMs <= record.floorMs) return 'before-floor'
    return record.windows.get(ticket.lane)?.check(ticket.sequence) ?? 'fresh'
  }

  /** As `check`; a fresh envelope counts as seen from now on. */
  mark(ticket: ReplayTicket): ReplayVerdict {
    const verdict = this.check(ticket)
    if (verdict !== 'fresh') return verdict

    const { sender, lane, sequence, timeMs } = ticket
    const record = this.#senders.get(sender) ?? newRecord()
    const window = record.windows.get(lane) ?? new ReplayWindow(this.#init.windowBits)
    window.mark(sequence)
    record.windows.set(lane, window)
    record.newestMs = Math.max(record.newestMs, timeMs)
    this.#senders.delete(sender)
    this.#senders.set(sender, record)
    return 'fresh'
  }

  /**
   * Forgets every sender whose newest envelope is too old to be accepted again. A floor later than anybody may date an
   * envelope now is of a clock that ran ahead and was set right: it sinks to there, or we would be deaf until that time.
   */
  sweep(): void {
    for (const sender of this.#senders.keys()) this.#forgetIfOld(sender)
    const capMs = Date.now() + this.#init.clockSkewMs
    this.#floorMs = Math.min(this.#floorMs, capMs)
    for (const record of this.#senders.values()) record.floorMs = Math.min(record.floorMs, capMs)
  }

  /** What must outlive a clean stop, beside the floor. */
  summary(): WindowSummary[] {
    const rows: WindowSummary[] = []
    for (const [sender, { newestMs, windows }] of this.#senders) {
      for (const [lane, { top }] of windows) if (top !== undefined) rows.push({ sender, lane, top, newestMs })
    }
    return rows
  }

  /** The floors of single senders that lie above that of all: they must outlive a clean stop too. */
  senderFloors(): Map<string, number> {
    const floors = new Map<string, number>()
    for (const [sender, { floorMs }] of this.#senders) if (floorMs > this.#floorMs) floors.set(sender, floorMs)
    return floors
  }

  /** Takes a summary back: each window counts as full up to its top. */
  restore(summary: Iterable<WindowSummary>): void {
    for (const { sender, lane, top, newestMs } of summary) {
      const record = this.#recordOf(sender)
      // The bound may be lower than it was: who does not fit is covered by the floor instead.
      if (record === undefined) {
        this.raiseFloor(newestMs)
        continue
      }
      record.newestMs = Math.max(record.newestMs, newestMs)
      record.windows.set(lane, ReplayWindow.filledTo(top, this.#init.windowBits))
    }
  }

  /** The record of a sender, made where there is none and room for it. */
  #recordOf(sender: string): SenderRecord | undefined {
    const known = this.#senders.get(sender)
    if (known !== undefined || !this.#hasRoom()) return known
    const record = newRecord()
    this.#senders.set(sender, record)
    return record
  }

  // A young sender is never evicted for a new one: its envelopes could be replayed.
  #hasRoom(): boolean {
    if (this.#senders.size < this.#init.maxSenders) return true
    const silent = this.#senders.keys().next()
    return silent.done !== true && this.#forgetIfOld(silent.value)
  }

  #forgetIfOld(sender: string): boolean {
    const record = this.#senders.get(sender)
    if (record === undefined || Date.now() - latestMs(record) <= this.#init.clockSkewMs) return false
    this.#senders.delete(sender)
    // All it sent is too old by now; the floor keeps that so should our clock be set back.
    this.raiseFloor(latestMs(record))
    return true
  }
}

function latestMs({ newestMs, floorMs }: SenderRecord): number {
  return Math.max(newestMs, floorMs)
}

function newRecord(): SenderRecord {
  return { newestMs: 0, floorMs: 0, windows: new Map() }
}

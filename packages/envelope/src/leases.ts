import { SenderLimitError } from './errors.ts'

/** What is known of an envelope's place in time. */
export interface Dated {
  /** The sender, as a map key. */
  sender: string
  timeMs: number
}

/** Times after which nothing was accepted: of all senders, and of each one whose clock is ahead of ours. */
export interface LeaseTable {
  leaseMs: number
  /** By sender; all are later than `leaseMs`. */
  ahead: ReadonlyMap<string, number>
}

/** What is needed to draw up leases. */
export interface LeasesInit {
  maxSenders: number
  /** How far beyond what it covers a lease goes, in ms. */
  marginMs: number
  /** Latest time of an accepted envelope of `sender`; 0 where none was. */
  newestOf(sender: string): number
}

/**
 * The times up to which envelopes may be accepted, since it is written down that they may have been. That of all senders
 * follows our own clock alone. Who is ahead of it has a time of its own: in common, one author with a fast clock would
 * move it for everybody, and after a kill nobody would be heard until our clock is there.
 */
export class Leases {
  readonly #init: LeasesInit
  #held: LeaseTable = { leaseMs: 0, ahead: new Map() }
  /** Latest time each sender waits for. */
  readonly #asked = new Map<string, number>()

  constructor(init: LeasesInit) {
    this.#init = init
  }

  get held(): LeaseTable {
    return this.#held
  }

  /** Says whether an envelope may be accepted now. */
  covers({ sender, timeMs }: Dated): boolean {
    return timeMs <= this.#held.leaseMs || timeMs <= (this.#held.ahead.get(sender) ?? 0)
  }

  /** Has the next table cover an envelope. @throws {SenderLimitError} */
  ask({ sender, timeMs }: Dated): void {
    const { maxSenders } = this.#init
    const { ahead } = this.#held
    const isNew = !ahead.has(sender) && !this.#asked.has(sender)
    if (isNew && ahead.size + this.#asked.size >= maxSenders) throw new SenderLimitError(maxSenders)
    this.#asked.set(sender, Math.max(timeMs, this.#asked.get(sender) ?? 0))
  }

  /** Draws up the table to write next: no time in it is earlier than it was, and what was asked for is in it. */
  draw(nowMs: number, floorMs: number): LeaseTable {
    const { marginMs } = this.#init
    // Not below the floor, or a second kill would forget what the first one made sure of.
    const leaseMs = Math.max(this.#held.leaseMs, floorMs, nowMs + marginMs)
    const ahead = new Map<string, number>()
    const extend = (sender: string, heldMs: number, newestMs: number): void => {
      // Who is ahead still is given time anew, so that it waits for a write only once.
      const untilMs = newestMs > nowMs ? Math.max(heldMs, newestMs + marginMs) : heldMs
      if (untilMs > leaseMs) ahead.set(sender, untilMs)
    }
    for (const [sender, heldMs] of this.#held.ahead) extend(sender, heldMs, this.#init.newestOf(sender))
    for (const [sender, timeMs] of this.#asked) extend(sender, Math.max(ahead.get(sender) ?? 0, timeMs), timeMs)
    this.#asked.clear()
    return { leaseMs, ahead }
  }

  /** A table is written, or was by an earlier run. */
  hold(table: LeaseTable): void {
    this.#held = table
  }
}

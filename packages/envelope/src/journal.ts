import type { Logger } from '@libp2p/interface'
import { LEASE_SLACK_MS, SEQUENCE_RESERVE } from './constants.ts'
import type { OwnSequence } from './own-sequence.ts'
import type { ReplayGuard } from './replay-guard.ts'
import type { EnvelopeState, StateStore } from './state-store.ts'

/** What a `Journal` keeps, and how. */
export interface JournalInit {
  store: StateStore
  guard: ReplayGuard
  sequence: OwnSequence
  log: Logger
  clockSkewMs: number
  flushIntervalMs: number
}

/**
 * Makes the replay guard outlive a restart without a write per message. It holds a *lease*: a time, written ahead, and
 * no envelope dated after it is accepted before a later one is written. So after a kill everything dated up to the
 * lease may have been seen, and nothing later was.
 */
export class Journal {
  readonly #init: JournalInit
  #leaseMs = 0
  #isLoaded = false
  #tail: Promise<void> = Promise.resolve()
  #queued = 0

  constructor(init: JournalInit) {
    this.#init = init
  }

  /** Reads what an earlier run left, and takes the first lease. Never rejects for a failing datastore. */
  async open(): Promise<void> {
    if (!this.#isLoaded) await this.#load()
    this.#isLoaded = true
    await this.#enqueue(() => this.#renew(0))
  }

  /** Says whether an envelope dated `timeMs` may be accepted now. */
  covers(timeMs: number): boolean {
    return timeMs <= this.#leaseMs
  }

  /** Resolves when an envelope dated `timeMs` may be accepted. */
  cover(timeMs: number): Promise<void> {
    // One write mostly serves all that wait for it.
    return this.#enqueue(async () => {
      if (!this.covers(timeMs)) await this.#renew(timeMs)
    })
  }

  /** Renews the lease, unless a write is under way: a slow datastore must not pile them up. */
  async flush(): Promise<void> {
    if (this.#queued === 0) await this.#enqueue(() => this.#renew(0))
  }

  /** Writes everything exactly. Nothing may be accepted or sealed from then until the next `open`. */
  close(): Promise<void> {
    const { guard, sequence } = this.#init
    return this.#enqueue(async () => {
      guard.sweep()
      await this.#write({
        isClean: true,
        leaseMs: this.#leaseMs,
        floorMs: guard.floorMs,
        sequenceMark: sequence.mark,
        windows: guard.summary(),
      })
    })
  }

  async #load(): Promise<void> {
    const { store, guard, sequence, log, clockSkewMs } = this.#init
    // Nothing accepted can be dated later, as long as our clock was not set back. Also the cap for what was written,
    // or a clock that once ran years ahead would leave us deaf for years.
    const latestMs = Date.now() + clockSkewMs
    try {
      const state = await store.read()
      sequence.resumeFrom(state?.sequenceMark ?? 0n)
      if (state === undefined) return
      guard.raiseFloor(Math.min(state.isClean ? state.floorMs : state.leaseMs, latestMs))
      if (state.isClean) guard.restore(state.windows)
    } catch (err) {
      log.error('could not read what an earlier run left, so nothing dated before %d is opened - %e', latestMs, err)
      guard.raiseFloor(latestMs)
      sequence.resumeFrom(0n)
    }
  }

  async #renew(leastMs: number): Promise<void> {
    const { guard, sequence, flushIntervalMs } = this.#init
    // Senders whose clock is ahead are accepted too: the lease stays ahead of them, so that they wait for it once.
    const newestMs = Math.max(Date.now(), guard.newestMs, leastMs)
    // Nor may it lie below the floor, or a second kill would forget what the first one made sure of.
    const leaseMs = Math.max(this.#leaseMs, guard.floorMs, newestMs + flushIntervalMs + LEASE_SLACK_MS)
    await this.#write({
      isClean: false,
      leaseMs,
      floorMs: guard.floorMs,
      sequenceMark: sequence.mark + SEQUENCE_RESERVE,
      windows: [],
    })
    this.#leaseMs = leaseMs
  }

  // A node that cannot write goes on: deafness would be worse than replays after a kill.
  async #write(state: EnvelopeState): Promise<void> {
    try {
      await this.#init.store.write(state)
    } catch (err) {
      this.#init.log.error('could not write, so a kill from now on may reopen the replay window - %e', err)
    }
  }

  async #enqueue(step: () => Promise<void>): Promise<void> {
    this.#queued++
    try {
      this.#tail = this.#tail.then(step)
      await this.#tail
    } finally {
      this.#queued--
    }
  }
}

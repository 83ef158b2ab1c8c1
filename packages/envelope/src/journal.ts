import type { Logger } from '@libp2p/interface'
import { LEASE_SLACK_MS, MAX_EARLY_RENEWALS, SEQUENCE_RESERVE } from './constants.ts'
import { EnvelopeBusyError } from './errors.ts'
import { type Dated, Leases } from './leases.ts'
import type { OwnSequence } from './own-sequence.ts'
import type { ReplayGuard } from './replay-guard.ts'
import type { EnvelopeState, StateStore } from './state-store.ts'

/** What a `Journal` keeps, and how. */
export interface JournalInit {
  store: StateStore
  guard: ReplayGuard
  sequence: OwnSequence
  log: Logger
  maxSenders: number
  clockSkewMs: number
  flushIntervalMs: number
}

/**
 * Makes the replay guard outlive a restart without a write per message. It holds *leases*: times, written ahead, and no
 * envelope dated after its lease is accepted before a later one is written. So after a kill everything dated up to its
 * lease may have been seen, and nothing later was.
 */
export class Journal {
  readonly #init: JournalInit
  readonly #leases: Leases
  #isLoaded = false
  #tail: Promise<void> = Promise.resolve()
  /** The renewal that has not begun yet: it serves whoever asks now. */
  #next: Promise<void> | undefined
  /** Renewals between two flushes. */
  #early = 0

  constructor(init: JournalInit) {
    this.#init = init
    this.#leases = new Leases({
      maxSenders: init.maxSenders,
      marginMs: init.flushIntervalMs + LEASE_SLACK_MS,
      newestOf: (sender) => init.guard.newestOf(sender),
    })
  }

  /** Reads what an earlier run left, and takes the first lease. Never rejects for a failing datastore. */
  async open(): Promise<void> {
    if (!this.#isLoaded) await this.#load()
    this.#isLoaded = true
    await this.#renewNext()
  }

  /** Says whether an envelope may be accepted now. */
  covers(envelope: Dated): boolean {
    return this.#leases.covers(envelope)
  }

  /**
   * Resolves when an envelope may be accepted, or nothing may any more. The next flush covers its sender in any case.
   * @throws {EnvelopeBusyError} when there is no renewal left until then @throws {SenderLimitError}
   */
  cover(envelope: Dated): Promise<void> {
    this.#leases.ask(envelope)
    if (this.#next !== undefined) return this.#next
    // A record of many senders for each new one of them would be a way to keep us writing, and envelopes that waited
    // for the flush would take the place of all others that wait.
    if (this.#early >= MAX_EARLY_RENEWALS) throw new EnvelopeBusyError('maxEarlyRenewals', MAX_EARLY_RENEWALS)
    this.#early++
    return this.#renewNext()
  }

  /** Renews the leases. */
  flush(): Promise<void> {
    this.#early = 0
    return this.#renewNext()
  }

  /** Writes everything exactly. Nothing may be accepted or sealed from then until the next `open`. */
  close(): Promise<void> {
    const { guard, sequence } = this.#init
    return this.#enqueue(async () => {
      guard.sweep()
      await this.#write({
        isClean: true,
        leaseMs: this.#leases.held.leaseMs,
        floorMs: guard.floorMs,
        sequenceMark: sequence.mark,
        windows: guard.summary(),
        ahead: guard.senderFloors(),
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
      if (state !== undefined) this.#take(state, latestMs)
    } catch (err) {
      log.error('could not read what an earlier run left, so nothing dated before %d is opened - %e', latestMs, err)
      guard.raiseFloor(latestMs)
      sequence.resumeFrom(0n)
    }
  }

  #take({ isClean, leaseMs, floorMs, windows, ahead }: EnvelopeState, latestMs: number): void {
    const { guard } = this.#init
    guard.raiseFloor(Math.min(isClean ? floorMs : leaseMs, latestMs))
    for (const [sender, untilMs] of ahead) guard.raiseSenderFloor(sender, Math.min(untilMs, latestMs))
    if (isClean) guard.restore(windows)
    // A kill from now on must not forget them either.
    this.#leases.hold({ leaseMs: 0, ahead: guard.latestBySender() })
  }

  #renewNext(): Promise<void> {
    this.#next ??= this.#enqueue(() => {
      this.#next = undefined
      return this.#renew()
    })
    return this.#next
  }

  async #renew(): Promise<void> {
    const { guard, sequence } = this.#init
    const table = this.#leases.draw(Date.now(), guard.floorMs)
    await this.#write({
      ...table,
      isClean: false,
      floorMs: guard.floorMs,
      sequenceMark: sequence.mark + SEQUENCE_RESERVE,
      windows: [],
    })
    this.#leases.hold(table)
  }

  // A node that cannot write goes on: deafness would be worse than replays after a kill.
  async #write(state: EnvelopeState): Promise<void> {
    try {
      await this.#init.store.write(state)
    } catch (err) {
      this.#init.log.error('could not write, so a kill from now on may reopen the replay window - %e', err)
    }
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    this.#tail = this.#tail.then(step)
    return this.#tail
  }
}

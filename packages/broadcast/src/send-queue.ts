import { LANES, type Lane } from '@gridmesh/interfaces'

/** One send to one peer. */
export interface SendJob {
  readonly lane: Lane
  /** Sends. Must not reject. */
  run(): Promise<void>
  /** Called instead of `run` when the job never gets its turn. */
  drop(reason: string): void
}

/** A job in the queue. */
export interface QueuedSend {
  /** Resolves when the job was started or dropped. */
  readonly left: Promise<void>
  /** Drops the job unless it was started already. */
  cancel(reason: string): void
}

interface Entry {
  job: SendJob
  isWaiting: boolean
  leave(): void
}

/**
 * Runs sends, at most `maxConcurrent` at once, urgent lanes first and each lane in order. An eighth of the slots is
 * kept for the critical lane, or stuck bulk sends would hold up an emergency until their deadline. At `maxQueued` the
 * newest send of the least urgent lane is dropped: a critical one only when all that wait are critical.
 */
export class SendQueue {
  readonly #maxConcurrent: number
  readonly #maxOrdinary: number
  readonly #maxQueued: number
  readonly #lanes: ReadonlyMap<Lane, Entry[]> = new Map(LANES.map((lane) => [lane, []]))
  #running = 0
  #waiting = 0

  constructor(maxConcurrent: number, maxQueued: number) {
    this.#maxConcurrent = maxConcurrent
    this.#maxOrdinary = maxConcurrent - (maxConcurrent > 1 ? Math.ceil(maxConcurrent / 8) : 0)
    this.#maxQueued = maxQueued
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  push(job: SendJob): QueuedSend {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>()
    const entry: Entry = { job, isWaiting: true, leave }
    this.#entriesOf(job.lane).push(entry)
    this.#waiting++
    this.#startWhatFits()
    if (this.#waiting > this.#maxQueued) this.#dropLeastUrgent()
    return { left, cancel: (reason) => this.#cancel(entry, reason) }
  }

  /** Drops all that wait; what runs runs on. */
  clear(reason: string): void {
    for (const entries of this.#lanes.values()) {
      for (const entry of entries.splice(0)) this.#drop(entry, reason)
    }
  }

  #entriesOf(lane: Lane): Entry[] {
    return this.#lanes.get(lane) ?? []
  }

  #startWhatFits(): void {
    for (const [lane, entries] of this.#lanes) {
      const max = lane === 'critical' ? this.#maxConcurrent : this.#maxOrdinary
      while (this.#running < max && entries.length > 0) {
        const entry = entries.shift()
        if (entry !== undefined) this.#start(entry)
      }
    }
  }

  #start(entry: Entry): void {
    this.#leave(entry)
    this.#running++
    void entry.job.run().finally(() => {
      this.#running--
      this.#startWhatFits()
    })
  }

  #dropLeastUrgent(): void {
    for (const lane of LANES.toReversed()) {
      const newest = this.#entriesOf(lane).pop()
      if (newest !== undefined) {
        this.#drop(newest, 'queue-full')
        return
      }
    }
  }

  #cancel(entry: Entry, reason: string): void {
    if (!entry.isWaiting) return
    const entries = this.#entriesOf(entry.job.lane)
    entries.splice(entries.indexOf(entry), 1)
    this.#drop(entry, reason)
  }

  #drop(entry: Entry, reason: string): void {
    entry.job.drop(reason)
    this.#leave(entry)
  }

  #leave(entry: Entry): void {
    entry.isWaiting = false
    this.#waiting--
    entry.leave()
  }
}

import { LANES, type Lane } from '@gridmesh/interfaces'
import { MAX_SENDS_PER_PEER } from './constants.ts'

/** One send to one peer. */
export interface SendJob {
  readonly lane: Lane
  /** Whom it goes to, by id string. */
  readonly peer: string
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

/** What waits, by the peer it goes to. */
type Waiting = Map<string, Entry[]>

/**
 * Runs sends, at most `maxConcurrent` at once, urgent lanes first and those of one lane to one peer in order. A slot goes
 * to the peer that has the fewest, and but for the critical lane none takes one that has as many as are free, or
 * `MAX_SENDS_PER_PEER`: a send ends with its receipt, so who gives none, or judges slowly, would soon have all of them, and
 * refuse most. An eighth of the slots is kept for the critical lane, or stuck bulk sends would hold up an emergency until
 * their deadline. At `maxQueued` the newest send of the least urgent lane to the peer with most of that is dropped: a
 * critical one only when all that wait are critical.
 */
export class SendQueue {
  readonly #maxConcurrent: number
  readonly #maxOrdinary: number
  readonly #maxQueued: number
  readonly #lanes: ReadonlyMap<Lane, Waiting> = new Map(LANES.map((lane) => [lane, new Map<string, Entry[]>()]))
  /** Sends under way, by peer. */
  readonly #runningTo = new Map<string, number>()
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
    const waiting = this.#waitingIn(job.lane)
    const entries = waiting.get(job.peer)
    if (entries === undefined) waiting.set(job.peer, [entry])
    else entries.push(entry)
    this.#waiting++
    this.#startWhatFits()
    if (this.#waiting > this.#maxQueued) this.#dropLeastUrgent()
    return { left, cancel: (reason) => this.#cancel(entry, reason) }
  }

  /** Drops all that wait; what runs runs on. */
  clear(reason: string): void {
    for (const waiting of this.#lanes.values()) {
      const entries = [...waiting.values()].flat()
      waiting.clear()
      for (const entry of entries) this.#drop(entry, reason)
    }
  }

  #waitingIn(lane: Lane): Waiting {
    return this.#lanes.get(lane) ?? new Map()
  }

  #startWhatFits(): void {
    for (const [lane, waiting] of this.#lanes) {
      const max = lane === 'critical' ? this.#maxConcurrent : this.#maxOrdinary
      while (this.#running < max) {
        const share = Math.min(max - this.#running, MAX_SENDS_PER_PEER)
        const entry = this.#next(waiting, lane === 'critical' ? max : share)
        if (entry === undefined) break
        this.#start(entry)
      }
    }
  }

  /** The first send to the peer that has the fewest under way, if that has fewer than `maxOfPeer`. */
  #next(waiting: Waiting, maxOfPeer: number): Entry | undefined {
    let [fewest, chosen]: [number, Entry | undefined] = [maxOfPeer, undefined]
    for (const [peer, [first]] of waiting) {
      const running = this.#runningTo.get(peer) ?? 0
      if (running < fewest) [fewest, chosen] = [running, first]
    }
    if (chosen !== undefined) this.#take(chosen)
    return chosen
  }

  /** Takes an entry out of those that wait. */
  #take(entry: Entry): void {
    const { lane, peer } = entry.job
    const waiting = this.#waitingIn(lane)
    const entries = waiting.get(peer) ?? []
    const at = entries.indexOf(entry)
    if (at >= 0) entries.splice(at, 1)
    if (entries.length === 0) waiting.delete(peer)
  }

  #start(entry: Entry): void {
    const { peer } = entry.job
    this.#leave(entry)
    this.#count(peer, 1)
    void entry.job.run().finally(() => {
      this.#count(peer, -1)
      this.#startWhatFits()
    })
  }

  #count(peer: string, change: 1 | -1): void {
    this.#running += change
    const running = (this.#runningTo.get(peer) ?? 0) + change
    if (running > 0) this.#runningTo.set(peer, running)
    else this.#runningTo.delete(peer)
  }

  #dropLeastUrgent(): void {
    for (const lane of LANES.toReversed()) {
      // Of two with as many, who came later.
      const most = [...this.#waitingIn(lane).values()].reduce<Entry[]>((a, b) => (b.length >= a.length ? b : a), [])
      const newest = most.at(-1)
      if (newest !== undefined) {
        this.#take(newest)
        this.#drop(newest, 'queue-full')
        return
      }
    }
  }

  #cancel(entry: Entry, reason: string): void {
    if (!entry.isWaiting) return
    this.#take(entry)
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

import { LANES, type Lane } from '@gridmesh/interfaces'
import { BusyError } from './errors.ts'

/** How many handlers run and wait. */
export interface SlotLimits {
  maxHandlersPerPeer: number
  maxHandlers: number
  maxQueuedPerPeer: number
  maxQueued: number
  busyRetryAfterMs: number
}

/** Something to run in a slot. It calls `PeerSlots.leave` when it is done. */
export interface SlotJob {
  readonly lane: Lane
  /** Given up while it waited: it is passed over. */
  readonly isOver: boolean
  start(): void
  /** Had to make way for a more urgent job of the same peer. */
  refuse(error: BusyError): void
}

/** Lets a bounded number of handlers run at once, and a bounded number wait; more urgent lanes go first. */
export class HandlerSlots {
  readonly limits: SlotLimits
  running = 0
  queued = 0
  readonly #peers = new Map<string, PeerSlots>()
  /** Peers with jobs that wait, the one served longest ago first. */
  readonly #waiting = new Set<PeerSlots>()
  #isServing = false

  constructor(limits: SlotLimits) {
    this.limits = limits
  }

  /** The share of one peer, held until `release`. */
  acquire(key: string): PeerSlots {
    let peer = this.#peers.get(key)
    if (peer == null) {
      peer = new PeerSlots(this, key)
      this.#peers.set(key, peer)
    }
    peer.holders += 1
    return peer
  }

  /** Lets go of a share. It lasts until nothing of it runs or waits. */
  release(peer: PeerSlots): void {
    peer.holders -= 1
    this.#forget(peer)
  }

  /** Called by a share that changed: starts what may start now. */
  serve(changed: PeerSlots): void {
    if (changed.queued > 0) this.#waiting.add(changed)
    else this.#waiting.delete(changed)
    this.#forget(changed)
    // A handler that ends at once comes back here from within its start.
    if (this.#isServing) return
    this.#isServing = true
    for (let next = this.#next(); next != null; next = this.#next()) {
      this.#waiting.delete(next)
      next.startNext()
      if (next.queued > 0) this.#waiting.add(next)
    }
    this.#isServing = false
  }

  #next(): PeerSlots | undefined {
    if (this.running >= this.limits.maxHandlers) return undefined
    for (const peer of this.#waiting) if (peer.running < this.limits.maxHandlersPerPeer) return peer
    return undefined
  }

  #forget(peer: PeerSlots): void {
    if (peer.holders === 0 && peer.running === 0 && peer.queued === 0) this.#peers.delete(peer.key)
  }
}

/** What one peer has running and waiting. */
export class PeerSlots {
  readonly key: string
  holders = 0
  running = 0
  queued = 0
  readonly #slots: HandlerSlots
  readonly #queues: readonly { readonly lane: Lane; jobs: SlotJob[] }[] = LANES.map((lane) => ({ lane, jobs: [] }))

  constructor(slots: HandlerSlots, key: string) {
    this.#slots = slots
    this.key = key
  }

  /** Starts the job now or later; returns the reason where it will not be. */
  enter(job: SlotJob): BusyError | undefined {
    const { limits } = this.#slots
    if (this.queued === 0 && this.running < limits.maxHandlersPerPeer && this.#slots.running < limits.maxHandlers) {
      this.#start(job)
      return undefined
    }
    const isPeerFull = this.queued >= limits.maxQueuedPerPeer
    if ((isPeerFull || this.#slots.queued >= limits.maxQueued) && !this.#evictBelow(job.lane)) {
      const limit = isPeerFull ? 'maxQueuedPerPeer' : 'maxQueued'
      return new BusyError(limit, limits[limit], limits.busyRetryAfterMs)
    }
    this.#queues.find(({ lane }) => lane === job.lane)?.jobs.push(job)
    this.#countQueued(1)
    this.#slots.serve(this)
    return undefined
  }

  /** A job of this peer is done. */
  leave(): void {
    this.running -= 1
    this.#slots.running -= 1
    this.#slots.serve(this)
  }

  /** Starts the most urgent job that waits. */
  startNext(): void {
    for (const { jobs } of this.#queues) {
      for (let job = jobs.shift(); job != null; job = jobs.shift()) {
        this.#countQueued(-1)
        if (job.isOver) continue
        this.#start(job)
        return
      }
    }
  }

  #start(job: SlotJob): void {
    this.running += 1
    this.#slots.running += 1
    job.start()
  }

  /** Makes room for a job of `lane` at the cost of the newest less urgent one of this peer. */
  #evictBelow(lane: Lane): boolean {
    for (const queue of this.#queues.toReversed()) {
      if (queue.lane === lane) return false
      const job = queue.jobs.pop()
      if (job == null) continue
      this.#countQueued(-1)
      const { limits } = this.#slots
      job.refuse(new BusyError('maxQueuedPerPeer', limits.maxQueuedPerPeer, limits.busyRetryAfterMs))
      return true
    }
    return false
  }

  #countQueued(change: number): void {
    this.queued += change
    this.#slots.queued += change
  }
}

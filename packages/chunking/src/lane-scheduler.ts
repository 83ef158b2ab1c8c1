import { LANES, type Lane } from '@gridmesh/interfaces'
import { DEFAULT_LANE_WEIGHTS } from './constants.ts'
import type { OutgoingMessage } from './outgoing-message.ts'
import { Ring } from './ring.ts'

/** Shares of the lanes below `critical`, which goes before all of them. */
export type LaneWeights = Record<Exclude<Lane, 'critical'>, number>

/** Messages of one lane: those that may go, in turn, and those that wait for room among the started ones. */
export interface LaneQueue {
  readonly lane: Lane
  readonly ready: Ring<OutgoingMessage>
  readonly waiting: Ring<OutgoingMessage>
  /** Bytes sent, divided by weight: the lane that is furthest behind is next. */
  virtualTime: number
  readonly weight: number
}

/** Chooses the lane of the next frame: `critical` first, the others by weight. */
export class LaneScheduler {
  readonly queues: readonly LaneQueue[]
  readonly #byLane: Record<Lane, LaneQueue>
  #now = 0

  constructor(weights: Partial<LaneWeights> = {}) {
    const all: Record<Lane, number> = { critical: 1, ...DEFAULT_LANE_WEIGHTS, ...weights }
    const queue = (lane: Lane): LaneQueue => {
      if (!(all[lane] > 0)) throw new RangeError(`weight ${all[lane]} of ${lane} must be above 0`)
      return { lane, ready: new Ring(), waiting: new Ring(), virtualTime: 0, weight: all[lane] }
    }
    this.#byLane = {
      critical: queue('critical'),
      high: queue('high'),
      normal: queue('normal'),
      bulk: queue('bulk'),
    }
    this.queues = LANES.map((lane) => this.#byLane[lane])
  }

  queue(lane: Lane): LaneQueue {
    return this.#byLane[lane]
  }

  /** Adds a message that may go. A lane that was empty claims nothing for the time it had nothing to send. */
  add(message: OutgoingMessage): void {
    const queue = this.#byLane[message.lane]
    if (queue.ready.length === 0 && queue.virtualTime < this.#now) queue.virtualTime = this.#now
    queue.ready.push(message)
  }

  /** The lane whose turn it is; undefined when none has anything ready. */
  next(): LaneQueue | undefined {
    if (this.#byLane.critical.ready.length > 0) return this.#byLane.critical
    let best: LaneQueue | undefined
    for (const queue of this.queues) {
      if (queue.ready.length > 0 && (best == null || queue.virtualTime < best.virtualTime)) best = queue
    }
    return best
  }

  /** Charges a lane for what was sent. */
  charge(queue: LaneQueue, bytes: number): void {
    if (queue.lane === 'critical') return
    this.#now = queue.virtualTime
    queue.virtualTime += bytes / queue.weight
  }
}

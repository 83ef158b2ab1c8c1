import { LANES } from '@gridmesh/interfaces'

/** Something that waits in a lane. */
export interface Queued {
  /** 0 for the most urgent lane. */
  readonly rank: number
  /** In bytes. */
  readonly size: number
}

/** The room of which lanes have their parts. */
export interface QueueRoom {
  readonly maxPending: number
  readonly maxPendingBytes: number
}

interface Lane<I> {
  readonly items: I[]
  bytes: number
}

/**
 * A queue for each lane. What a lane says of itself is not verified yet, so none is served before another, nor takes its
 * room: they are served by turns, and where there is no room the one that takes most of it gives way.
 */
export class LaneQueue<I extends Queued> {
  readonly #room: QueueRoom
  readonly #lanes: Lane<I>[] = LANES.map(() => ({ items: [], bytes: 0 }))
  /** Where turns go on. */
  #turn = 0

  constructor(room: QueueRoom) {
    this.#room = room
  }

  get isEmpty(): boolean {
    return this.#lanes.every(({ items }) => items.length === 0)
  }

  push(item: I): void {
    const lane = this.#lanes[item.rank]
    if (lane === undefined) return
    lane.items.push(item)
    lane.bytes += item.size
  }

  /** Takes up to `count` from the front of the lanes, by turns; the more urgent come first in what it gives. */
  shift(count: number): I[] {
    const shares = this.#lanes.map((lane) => ({ lane, taken: 0 }))
    const held = this.#lanes.reduce((sum, { items }) => sum + items.length, 0)
    for (let left = Math.min(count, held); left > 0; this.#turn = (this.#turn + 1) % shares.length) {
      const share = shares[this.#turn]
      if (share === undefined || share.taken === share.lane.items.length) continue
      share.taken += 1
      left -= 1
    }
    return shares.flatMap(({ lane, taken }) => {
      const items = lane.items.splice(0, taken)
      for (const { size } of items) lane.bytes -= size
      return items
    })
  }

  /** Takes the newest of the lane that takes most of the room, unless that of a newcomer would take as much. */
  popFor({ rank, size }: Queued): I | undefined {
    const own = this.#lanes[rank]
    const most = this.#lanes.reduce((a, b) => (this.#partOf(b) > this.#partOf(a) ? b : a))
    if (own === undefined || this.#partOf(own, size) >= this.#partOf(most)) return undefined
    const item = most.items.pop()
    most.bytes -= item?.size ?? 0
    return item
  }

  /** The part of the room that a lane takes, by count or by bytes, whichever is more; also with one item more. */
  #partOf({ items, bytes }: Lane<I>, more?: number): number {
    const { maxPending, maxPendingBytes } = this.#room
    const count = items.length + (more === undefined ? 0 : 1)
    return Math.max(count / maxPending, (bytes + (more ?? 0)) / maxPendingBytes)
  }
}

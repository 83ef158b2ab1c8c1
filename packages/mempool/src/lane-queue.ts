import { LANES } from '@gridmesh/interfaces'

/** Something that waits in a lane. */
export interface Ranked {
  /** 0 for the most urgent lane. */
  readonly rank: number
}

/** A queue for each lane; the most urgent is served first. */
export class LaneQueue<I extends Ranked> {
  readonly #lanes: I[][] = LANES.map(() => [])

  get isEmpty(): boolean {
    return this.#lanes.every((lane) => lane.length === 0)
  }

  push(item: I): void {
    this.#lanes[item.rank]?.push(item)
  }

  /** Takes up to `count` from the front. */
  shift(count: number): I[] {
    let taken: I[] = []
    for (const lane of this.#lanes) taken = taken.concat(lane.splice(0, count - taken.length))
    return taken
  }

  /** Takes the newest of the least urgent lane, if that is less urgent than `rank`. */
  popAfter(rank: number): I | undefined {
    return this.#lanes.findLast((lane, index) => index > rank && lane.length > 0)?.pop()
  }
}

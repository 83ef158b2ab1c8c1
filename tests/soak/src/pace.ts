import type { Job, Tally } from './messages.ts'

/** Streams that are opened and ended at the observed node over the run, however long it is. */
export const STREAMS = 10_000
/** Connections that are parted and made again, in a minute. */
const RECONNECTS_PER_MINUTE = 100
/** Orders and requests of one node in a second. */
const ORDERS = 10
const REQUESTS = 20
/** Length of one piece of work, in ms. */
const SLICE_MS = 1_000

/** Spreads the work over the run. What fell short in one second is made up for in the next. */
export class Pace {
  readonly #totalMs: number
  readonly #sinceMs = performance.now()
  #streams = 0
  #reconnects = 0

  constructor(totalMs: number) {
    this.#totalMs = totalMs
  }

  /** Takes into account what was done. */
  add({ streams, accepted, reconnects }: Pick<Tally, 'streams' | 'accepted' | 'reconnects'>): void {
    this.#streams += streams + accepted
    this.#reconnects += reconnects
  }

  /** The next second of work for one of `nodes`, with `peers`. Only who is `restless` parts and comes back. */
  job(nodes: number, peers: readonly string[], restless: boolean): Job {
    const share = Math.min(1, (performance.now() - this.#sinceMs + SLICE_MS) / this.#totalMs)
    const streams = STREAMS * share - this.#streams
    const reconnects = (RECONNECTS_PER_MINUTE / 60_000) * this.#totalMs * share - this.#reconnects
    return {
      forMs: SLICE_MS,
      orders: ORDERS,
      requests: REQUESTS,
      streams: Math.max(1, Math.ceil(streams / nodes)),
      reconnects: restless ? Math.max(0, Math.ceil(reconnects)) : 0,
      peers,
    }
  }
}

import type { Lane, Traffic } from '@gridmesh/interfaces'

/** What was counted for one peer since its record was last brought up to date. */
export interface TrafficUpdate {
  readonly key: string
  readonly traffic: Readonly<Record<Lane, Readonly<Traffic>>>
  /** When the last inbound message came, by the system clock; `-Infinity` where none did since the last drain. */
  readonly lastInMs: number
}

interface Cell {
  /** Four numbers a lane: messages in, messages out, bytes in, bytes out. */
  readonly counts: Float64Array
  lastInMs: number
}

const OFFSET: Readonly<Record<Lane, number>> = { critical: 0, high: 4, normal: 8, bulk: 12 }
const NUMBERS = 16

/**
 * Traffic counters beside the records. Counting is done for every message, so it changes a number in place, which
 * takes some tens of nanoseconds; a new frozen record for each message would take a hundred times that. `drain` hands
 * the sums over to the records when somebody looks.
 */
export class TrafficCounters {
  readonly #cells = new Map<string, Cell>()
  readonly #changed = new Set<string>()

  add(key: string): void {
    if (!this.#cells.has(key)) this.#cells.set(key, { counts: new Float64Array(NUMBERS), lastInMs: -Infinity })
  }

  /** Counts one message. Returns `false`, and counts nothing, for a peer without counters. */
  count(key: string, lane: Lane, direction: 'in' | 'out', bytes: number): boolean {
    const cell = this.#cells.get(key)
    if (cell === undefined) return false
    const at = OFFSET[lane] + (direction === 'in' ? 0 : 1)
    const { counts } = cell
    counts[at] = (counts[at] ?? 0) + 1
    if (bytes > 0) counts[at + 2] = (counts[at + 2] ?? 0) + bytes
    if (direction === 'in') cell.lastInMs = Date.now()
    this.#changed.add(key)
    return true
  }

  /** The sums of all peers counted since the last drain, or of one. */
  drain(key?: string): TrafficUpdate[] {
    const keys = key === undefined ? [...this.#changed] : this.#changed.has(key) ? [key] : []
    return keys.flatMap((changed) => {
      this.#changed.delete(changed)
      const cell = this.#cells.get(changed)
      if (cell === undefined) return []
      const { counts, lastInMs } = cell
      cell.lastInMs = -Infinity
      return [{ key: changed, traffic: sums(counts), lastInMs }]
    })
  }

  remove(key: string): void {
    this.#cells.delete(key)
    this.#changed.delete(key)
  }
}

function sums(counts: Float64Array): Readonly<Record<Lane, Readonly<Traffic>>> {
  return Object.freeze({
    critical: laneSums(counts, OFFSET.critical),
    high: laneSums(counts, OFFSET.high),
    normal: laneSums(counts, OFFSET.normal),
    bulk: laneSums(counts, OFFSET.bulk),
  })
}

function laneSums(counts: Float64Array, at: number): Readonly<Traffic> {
  const [messagesIn = 0, messagesOut = 0, bytesIn = 0, bytesOut = 0] = counts.subarray(at, at + 4)
  return Object.freeze({ messagesIn, messagesOut, bytesIn, bytesOut })
}

import { MAX_TRACKED_CODES, MAX_TRACKED_KINDS, OTHER_CODES, OTHER_KINDS } from './constants.ts'

/** Counts over one kind. */
export interface MessageCounters {
  /** Accepted, whether handled yet or not. */
  readonly in: number
  /** Handed to a carrier. */
  readonly out: number
  /** Accepted or offered, and not handled: no room, or no time. */
  readonly dropped: number
  /** Refused, or failed in the handler, by error code. */
  readonly errors: Readonly<Record<string, number>>
}

interface Counters {
  in: number
  out: number
  dropped: number
  errors: Map<string, number>
}

/** A table by kind. */
export type KindCounters = ReadonlyMap<string, MessageCounters>

/** What is counted. */
export type Tally = { what: 'in' | 'out' | 'dropped' } | { what: 'error'; code: string }

/** Counts messages by kind and by peer and kind, in bounded tables: the peers longest silent are forgotten. */
export class Statistics {
  readonly #maxPeers: number
  readonly #kinds = new Map<string, Counters>()
  readonly #peers = new Map<string, Map<string, Counters>>()

  constructor(maxPeers: number) {
    if (!(maxPeers > 0)) throw new RangeError(`maxTrackedPeers ${maxPeers} must be above 0`)
    this.#maxPeers = maxPeers
  }

  /** Counts once for the kind, and once for the peer and kind where there is one peer. */
  count(peer: string | undefined, kind: string, tally: Tally, times = 1): void {
    add(this.#kinds, kind, tally, times)
    if (peer != null) add(this.#ofPeer(peer), kind, tally, times)
  }

  /** A copy: later counts do not show in it. */
  snapshot(): { kinds: KindCounters; peers: ReadonlyMap<string, KindCounters> } {
    const peers = new Map<string, KindCounters>()
    for (const [peer, kinds] of this.#peers) peers.set(peer, copy(kinds))
    return { kinds: copy(this.#kinds), peers }
  }

  #ofPeer(peer: string): Map<string, Counters> {
    const kinds = this.#peers.get(peer) ?? new Map<string, Counters>()
    // Set anew, so that the map stays in order of last use.
    this.#peers.delete(peer)
    if (this.#peers.size >= this.#maxPeers) {
      const [oldest] = this.#peers.keys()
      if (oldest != null) this.#peers.delete(oldest)
    }
    this.#peers.set(peer, kinds)
    return kinds
  }
}

function add(kinds: Map<string, Counters>, kind: string, tally: Tally, times: number): void {
  const counters = countersOf(kinds, kind)
  if (tally.what !== 'error') {
    counters[tally.what] += times
    return
  }
  const { errors } = counters
  const isCrowdedOut = !errors.has(tally.code) && errors.size >= MAX_TRACKED_CODES
  const code = isCrowdedOut ? OTHER_CODES : tally.code
  errors.set(code, (errors.get(code) ?? 0) + times)
}

function countersOf(kinds: Map<string, Counters>, kind: string): Counters {
  const known = kinds.get(kind)
  if (known != null) return known

  const name = kinds.size < MAX_TRACKED_KINDS ? kind : OTHER_KINDS
  const counters = kinds.get(name) ?? { in: 0, out: 0, dropped: 0, errors: new Map<string, number>() }
  kinds.set(name, counters)
  return counters
}

function copy(kinds: ReadonlyMap<string, Counters>): KindCounters {
  return new Map(
    Array.from(kinds, ([kind, counters]) => [kind, { ...counters, errors: Object.fromEntries(counters.errors) }]),
  )
}

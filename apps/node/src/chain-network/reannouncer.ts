/** Time between two looks at what is to be announced again, in ms. */
const ROUND_MS = 1_000
/** Time in which a transaction is expected in a block, and after which it is announced again, in ms; then twice as long. */
const FIRST_MS = 10_000
const MAX_MS = 120_000
/** Transactions that are announced again in one round, and their bytes. */
const MAX_PER_ROUND = 32
const MAX_BYTES_PER_ROUND = 65_536

/** A transaction that a user of this node submitted, and that is in no block yet. */
export interface OwnTransaction {
  readonly id: string
  readonly bytes: Uint8Array
}

/** What announcing again needs. */
export interface ReannouncerParts {
  /** All that the mempool holds of the users of this node. */
  own(): Iterable<OwnTransaction>
  /** Whether anybody would hear it. */
  hasPeers(): boolean
  /** Announces one. Must not throw. */
  announce(bytes: Uint8Array): void
}

interface Plan {
  readonly bytes: Uint8Array
  tries: number
  dueAtMs: number
}

/**
 * Announces what the users of this node submitted again, for as long as the mempool holds it: it may have been submitted
 * while nobody was connected, or have come when everybody was busy. Slowly, ever more rarely, and those first that were
 * announced least: who knows a transaction does not pass it on, so it costs a hop.
 */
export class Reannouncer {
  readonly #parts: ReannouncerParts
  readonly #plans = new Map<string, Plan>()
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(parts: ReannouncerParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#round(), ROUND_MS)
  }

  /** No timer is left. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#plans.clear()
  }

  #round(): void {
    const now = performance.now()
    this.#follow(now)
    if (!this.#parts.hasPeers()) return
    const due = [...this.#plans.values()].filter(({ dueAtMs }) => dueAtMs <= now)
    let bytesLeft = MAX_BYTES_PER_ROUND
    for (const plan of due.toSorted((a, b) => a.tries - b.tries || a.dueAtMs - b.dueAtMs).slice(0, MAX_PER_ROUND)) {
      // The first goes however long it is.
      if (bytesLeft < plan.bytes.byteLength && bytesLeft < MAX_BYTES_PER_ROUND) return
      bytesLeft -= plan.bytes.byteLength
      plan.tries += 1
      plan.dueAtMs = now + Math.min(FIRST_MS * 2 ** plan.tries, MAX_MS)
      this.#parts.announce(plan.bytes)
    }
  }

  /** Forgets what the mempool does not hold any more, and takes in what is new there. */
  #follow(now: number): void {
    const gone = new Set(this.#plans.keys())
    for (const { id, bytes } of this.#parts.own()) {
      if (!gone.delete(id)) this.#plans.set(id, { bytes, tries: 0, dueAtMs: now + FIRST_MS })
    }
    for (const id of gone) this.#plans.delete(id)
  }
}

import type { HeaderFacts } from '@gridmesh/consensus'

/** Bounds of what waits for its time. */
export interface EarlyLimits {
  readonly maxEarlyBlocks: number
  readonly maxEarlyMs: number
}

interface EarlyBlock {
  readonly bytes: Uint8Array
  readonly proposer: string
  /** By `performance.now()`. */
  readonly dueAtMs: number
}

/**
 * Blocks that are good but for a clock, each offered again when its time has come: nobody sends them twice, and a node
 * whose clock is behind would have to fetch each of them.
 */
export class EarlyBlocks {
  readonly #limits: EarlyLimits
  readonly #offer: (bytes: Uint8Array) => void
  readonly #blocks = new Map<string, EarlyBlock>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(limits: EarlyLimits, offer: (bytes: Uint8Array) => void) {
    this.#limits = limits
    this.#offer = offer
  }

  get size(): number {
    return this.#blocks.size
  }

  /**
   * Keeps a copy of a block, whose maker's signature holds, unless its time is too far off. Where there are too many, the
   * latest goes of whoever made most: one that signs many is not to keep out those of others.
   */
  hold({ hash, proposer }: HeaderFacts, bytes: Uint8Array, retryInMs: number): void {
    const { maxEarlyBlocks, maxEarlyMs } = this.#limits
    if (this.#isClosed || retryInMs > maxEarlyMs || this.#blocks.has(hash)) return
    this.#blocks.set(hash, { bytes: Uint8Array.from(bytes), proposer, dueAtMs: performance.now() + retryInMs })
    if (this.size > maxEarlyBlocks) this.#evict()
    this.#arm()
  }

  /** Drops all. No timer is left. */
  close(): void {
    this.#isClosed = true
    this.#blocks.clear()
    clearTimeout(this.#timer)
  }

  #evict(): void {
    const byProposer = Map.groupBy(this.#blocks, ([, { proposer }]) => proposer)
    const most = [...byProposer.values()].reduce((a, b) => (b.length >= a.length ? b : a))
    const [hash] = most.reduce((a, b) => (b[1].dueAtMs >= a[1].dueAtMs ? b : a))
    this.#blocks.delete(hash)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.size === 0) return
    const soonestMs = Math.min(...[...this.#blocks.values()].map(({ dueAtMs }) => dueAtMs))
    // Whole milliseconds, rounded up: a timer must not fire before its time.
    this.#timer = setTimeout(() => this.#release(), Math.ceil(Math.max(soonestMs - performance.now(), 1)))
  }

  #release(): void {
    const nowMs = performance.now()
    for (const [hash, { bytes, dueAtMs }] of this.#blocks) {
      if (dueAtMs > nowMs) continue
      this.#blocks.delete(hash)
      this.#offer(bytes)
    }
    this.#arm()
  }
}

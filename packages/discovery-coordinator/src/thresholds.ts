/** The lines that are watched. */
export interface ThresholdsInit {
  minPeers: number
  targetPeers: number
}

/** What changed with the newest count. */
export interface Crossings {
  /** The minimum was reached, or is no longer. */
  minimum?: 'met' | 'lost'
  /** No peer is left. */
  alone?: true
  /** The target was reached. */
  target?: 'met'
}

/** Follows the count of peers over minimum and target, and measures how long each climb took. */
export class Thresholds {
  readonly #init: ThresholdsInit
  #isAlone = false
  #minimumLostAt: number | undefined
  #targetLostAt: number | undefined
  #timeToMinimumMs: number | undefined
  #timeToTargetMs: number | undefined

  constructor(init: ThresholdsInit) {
    this.#init = init
  }

  get isAlone(): boolean {
    return this.#isAlone
  }

  /** Of the last climb to the minimum. */
  get timeToMinimumMs(): number | undefined {
    return this.#timeToMinimumMs
  }

  /** Of the last climb to the target. */
  get timeToTargetMs(): number | undefined {
    return this.#timeToTargetMs
  }

  /** Takes in the newest counts. `linked` counts every connected peer, ready or not. */
  update(ready: number, linked: number): Crossings {
    const now = performance.now()
    return { ...this.#updateAlone(linked), ...this.#updateMinimum(ready, now), ...this.#updateTarget(ready, now) }
  }

  /** Begins anew, as before the first count. */
  restart(): void {
    this.#isAlone = false
    this.#minimumLostAt = undefined
    this.#targetLostAt = undefined
  }

  #updateAlone(linked: number): Crossings {
    const wasAlone = this.#isAlone
    this.#isAlone = linked === 0
    return this.#isAlone && !wasAlone ? { alone: true } : {}
  }

  #updateMinimum(ready: number, now: number): Crossings {
    const isMet = ready >= this.#init.minPeers
    if (isMet === (this.#minimumLostAt === undefined)) return {}
    if (!isMet) {
      this.#minimumLostAt = now
      return { minimum: 'lost' }
    }
    this.#timeToMinimumMs = now - (this.#minimumLostAt ?? now)
    this.#minimumLostAt = undefined
    return { minimum: 'met' }
  }

  #updateTarget(ready: number, now: number): Crossings {
    const isMet = ready >= this.#init.targetPeers
    if (isMet === (this.#targetLostAt === undefined)) return {}
    if (!isMet) {
      this.#targetLostAt = now
      return {}
    }
    this.#timeToTargetMs = now - (this.#targetLostAt ?? now)
    this.#targetLostAt = undefined
    return { target: 'met' }
  }
}

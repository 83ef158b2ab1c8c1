import { INITIAL_SUCCESS_RATIO, SUCCESS_RATIO_WEIGHT } from './constants.ts'

/** Learns which share of dials succeeds, and from it how many to make. */
export class SuccessRatio {
  readonly #maxOvershoot: number
  #value = INITIAL_SUCCESS_RATIO

  constructor(maxOvershoot: number) {
    this.#maxOvershoot = maxOvershoot
  }

  /** The learnt share, 0 to 1; the newest dials weigh most. */
  get value(): number {
    return this.#value
  }

  record(hasSucceeded: boolean): void {
    this.#value += SUCCESS_RATIO_WEIGHT * ((hasSucceeded ? 1 : 0) - this.#value)
  }

  /** Dials to make for `missing` peers: never more than `maxOvershoot` for each, however few succeed. */
  dialsFor(missing: number): number {
    if (missing <= 0) return 0
    return Math.ceil(missing * Math.min(1 / this.#value, this.#maxOvershoot))
  }
}

import {
  DEFAULT_FAILURE_POINTS,
  DEFAULT_HEALTHY_FROM,
  DEFAULT_INITIAL_SCORE,
  DEFAULT_SUCCESS_POINTS,
  DEFAULT_UNHEALTHY_BELOW,
  MAX_SCORE,
} from './constants.ts'
import type { HealthScoreInit } from './index.ts'

/** What became of a peer's health by one more ping. */
export type HealthChange = 'healthy' | 'unhealthy' | undefined

/** The rules of a score with every default applied. */
export type HealthScoreRules = Readonly<Required<HealthScoreInit>>

/** Applies the defaults. @throws {RangeError} for rules that keep no score within 0 to 100, or no order of thresholds */
export function resolveScoreRules(init: HealthScoreInit = {}): HealthScoreRules {
  const {
    initialScore = DEFAULT_INITIAL_SCORE,
    successPoints = DEFAULT_SUCCESS_POINTS,
    failurePoints = DEFAULT_FAILURE_POINTS,
    unhealthyBelow = DEFAULT_UNHEALTHY_BELOW,
    healthyFrom = DEFAULT_HEALTHY_FROM,
  } = init
  const rules = { initialScore, successPoints, failurePoints, unhealthyBelow, healthyFrom }
  for (const [name, value] of Object.entries(rules)) {
    if (!(value >= 0 && value <= MAX_SCORE)) throw new RangeError(`${name} ${value} must be from 0 to ${MAX_SCORE}`)
  }
  if (unhealthyBelow > healthyFrom) {
    throw new RangeError(`unhealthyBelow ${unhealthyBelow} must be at most healthyFrom, ${healthyFrom}`)
  }
  return rules
}

/**
 * Health from 0 to 100. Below `unhealthyBelow` the peer is unhealthy, and stays so until the score is back at
 * `healthyFrom`: a peer that answers every other ping does not go to and fro.
 */
export class HealthScore {
  readonly #rules: HealthScoreRules
  #value: number
  #isHealthy: boolean

  /** @throws {RangeError} when a rule is out of range */
  constructor(init: HealthScoreInit = {}) {
    this.#rules = resolveScoreRules(init)
    this.#value = this.#rules.initialScore
    this.#isHealthy = this.#value >= this.#rules.unhealthyBelow
  }

  /** From 0 to 100. */
  get value(): number {
    return this.#value
  }

  get isHealthy(): boolean {
    return this.#isHealthy
  }

  /** Counts an answered ping. Returns the change of health, if there was one. */
  success(): HealthChange {
    return this.#move(this.#rules.successPoints)
  }

  /** Counts an unanswered ping, as the part `weight` of one, from 0 to 1. Returns the change of health, if any. */
  failure(weight = 1): HealthChange {
    return this.#move(-this.#rules.failurePoints * (weight >= 0 && weight <= 1 ? weight : 1))
  }

  #move(points: number): HealthChange {
    this.#value = Math.min(Math.max(this.#value + points, 0), MAX_SCORE)
    const { unhealthyBelow, healthyFrom } = this.#rules
    const wasHealthy = this.#isHealthy
    this.#isHealthy = wasHealthy ? this.#value >= unhealthyBelow : this.#value >= healthyFrom
    if (this.#isHealthy === wasHealthy) return undefined
    return this.#isHealthy ? 'healthy' : 'unhealthy'
  }
}

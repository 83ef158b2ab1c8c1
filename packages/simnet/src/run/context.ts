import type { ServiceMap } from '@libp2p/interface'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import { DEFAULT_INVARIANT_INTERVAL_MS } from '../constants.ts'
import type { Random } from '../random/random.ts'
import type { Invariant, SimClock, SimNetwork, SimNode, SimulationContext } from '../types.ts'
import type { Deliveries } from './deliveries.ts'
import type { Violations } from './violations.ts'

/** How often `eventually` looks, in virtual ms. */
const LOOK_MS = 100

export function simClock(clock: VirtualClock): SimClock {
  return {
    get nowMs() {
      return clock.nowMs
    },
    async sleep(ms) {
      if (!(ms >= 0)) throw new RangeError(`A sleep takes 0 ms or more, not ${ms}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      clock.plan('timer', clock.current, ms, resolve, ms)
      return promise
    },
  }
}

interface ScenarioParts<S extends ServiceMap> {
  nodes: readonly SimNode<S>[]
  network: SimNetwork<S>
  clock: SimClock
  deliveries: Deliveries
  random: Random
  violations: Violations
}

/** What a scenario works with, made of the parts of a run. */
export class ScenarioContext<S extends ServiceMap> implements SimulationContext<S> {
  readonly nodes: readonly SimNode<S>[]
  readonly network: SimNetwork<S>
  readonly clock: SimClock
  readonly deliveries: Deliveries
  readonly #random: Random
  readonly #violations: Violations

  constructor({ nodes, network, clock, deliveries, random, violations }: ScenarioParts<S>) {
    this.nodes = nodes
    this.network = network
    this.clock = clock
    this.deliveries = deliveries
    this.#random = random
    this.#violations = violations
  }

  readonly random = (): number => this.#random.next()

  readonly expect = (invariant: string, holds: boolean, message = 'does not hold'): void => {
    if (!holds) this.#violations.add(invariant, message)
  }

  readonly eventually = async (invariant: string, holds: () => boolean, withinMs: number): Promise<boolean> => {
    const endMs = this.clock.nowMs + withinMs
    while (!holds()) {
      if (this.clock.nowMs >= endMs) {
        this.#violations.add(invariant, `does not hold within ${withinMs} ms`)
        return false
      }
      await this.clock.sleep(Math.min(LOOK_MS, endMs - this.clock.nowMs))
    }
    return true
  }
}

/** Looks at the laws again and again, on behalf of the scenario. Returns what looks at all of them once more. */
export function watchInvariants<S extends ServiceMap>(
  invariants: readonly Invariant<S>[],
  context: SimulationContext<S>,
  clock: VirtualClock,
  violations: Violations,
): () => void {
  const scenario = clock.current
  const look = (invariant: Invariant<S>): void => {
    try {
      const message = invariant.check(context)
      if (message !== undefined) violations.add(invariant.name, message)
    } catch (err) {
      violations.addThrown(invariant.name, err)
    }
  }
  for (const invariant of invariants) {
    const { everyMs = DEFAULT_INVARIANT_INTERVAL_MS } = invariant
    const again = (): void => {
      clock.plan('timer', scenario, everyMs, again, everyMs)
      look(invariant)
    }
    clock.plan('timer', scenario, everyMs, again, everyMs)
  }
  return () => invariants.forEach(look)
}

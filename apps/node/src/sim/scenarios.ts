import { type Played, type PlayInit, playScenario, type Scenario, scenarios } from '@gridmesh/simnet/scenarios'
import { chainScenarios } from './chain/index.ts'
import { playChainScenario } from './chain/play.ts'
import { gridmeshKit } from './kit.ts'

/** A scenario that can be played, whatever it is made of. */
export interface Playable extends Pick<Scenario, 'name' | 'about' | 'nodes'> {
  /** Plays it once, with the modules of a Gridmesh node. @throws what `playScenario` throws */
  play(init: Omit<PlayInit, 'kit' | 'laws'>): Promise<Played>
}

/** Those of the simulator, which know no chain, and those of the chain. */
export const playables: readonly Playable[] = [
  ...scenarios.map((scenario): Playable => {
    const { name, about, nodes } = scenario
    return { name, about, nodes, play: async (init) => playScenario(scenario, { ...init, kit: gridmeshKit }) }
  }),
  ...chainScenarios.map((scenario): Playable => {
    const { name, about, nodes } = scenario
    return { name, about, nodes, play: async (init) => playChainScenario(scenario, init) }
  }),
]

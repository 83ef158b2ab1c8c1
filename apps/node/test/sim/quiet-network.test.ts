import { type Scenario, playScenario } from '@gridmesh/simnet/scenarios'
import { expect, it } from 'vitest'
import { gridmeshKit } from '../../src/sim/kit.ts'

const NODES = 12
/** Time for all to find each other, and to part from second links to one peer, in ms. */
const SETTLE_MS = 60_000
/** Five times the idle time of the pool, in ms. */
const QUIET_MS = 25 * 60_000

it('keeps its links for as long as nobody has anything to say', async () => {
  const closed: string[] = []
  const quiet: Scenario = {
    name: 'quiet',
    about: 'nodes with the default settings say nothing',
    nodes: { usual: NODES, least: 2 },
    settings: () => ({ minPeers: 8, targetPeers: 30 }),
    async play(stage) {
      await stage.gather()
      await stage.clock.sleep(SETTLE_MS)
      for (const { index, libp2p } of stage.nodes) {
        libp2p.addEventListener('connection:close', () => closed.push(`node ${index} at ${stage.clock.nowMs}`))
      }
      await stage.clock.sleep(QUIET_MS)
    },
  }
  const { violations } = await playScenario(quiet, { kit: gridmeshKit, seed: 5 })
  expect(violations).toEqual([])
  expect(closed).toEqual([])
})

import { thailandLatency } from '@gridmesh/simnet'
import type { Scenario } from './scenario.ts'

const DEGREE = 5
const WARM_UP_MS = 5_000
const MESSAGES = 10
const MESSAGE_BYTES = 1_024
const EVERY_MS = 6_000
const LAST_MS = 5_000

/** Nothing goes wrong: how far, how fast and at what cost does gossip go? */
export const gossip: Scenario = {
  name: 'gossip',
  about: 'ten messages of 1 KiB in a minute between nodes with gossip alone; every node gets every one',
  nodes: { usual: 100, least: 2 },
  links: { latency: thailandLatency(), jitterMs: 2 },
  settings: () => ({ modules: 'gossip' }),
  async play(stage) {
    await stage.network.connectAll({ degree: DEGREE })
    await stage.clock.sleep(WARM_UP_MS)
    await stage.prove('gossip', {
      count: MESSAGES,
      bytes: MESSAGE_BYTES,
      everyMs: EVERY_MS,
      withinMs: LAST_MS,
    })
  },
}

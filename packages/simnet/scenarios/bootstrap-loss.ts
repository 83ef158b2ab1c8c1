import { type Scenario, SEEDS } from './scenario.ts'

const DOWN_MS = 120_000

/** The nodes through which the network is entered go away. */
export const bootstrapLoss: Scenario = {
  name: 'bootstrap-loss',
  about: 'all bootstrap nodes vanish for two minutes while others restart; the rest stays one, and those find back in',
  nodes: { usual: 30, least: 8 },
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter()
    // Known by now from each other, and by what they have stored.
    await stage.clock.sleep(60_000)
    const seeds = stage.honest.slice(0, SEEDS)
    for (const seed of seeds) stage.network.crash(seed)
    await stage.clock.sleep(10_000)
    for (const node of stage.sample(stage.present, 2)) await stage.reboot(node, 5_000)
    await stage.clock.sleep(DOWN_MS)
    await stage.gather('gathered-without-bootstrap')
    hush()
    await stage.prove('without bootstrap nodes')
    await stage.calm()
    await stage.prove('with bootstrap nodes')
  },
}

import type { Scenario } from './scenario.ts'

const DOWN_MS = 60_000

/** A tenth of the nodes ends at one moment. */
export const crashTenth: Scenario = {
  name: 'crash-tenth',
  about:
    'a tenth of the nodes crashes at one moment, half of them without a word; the rest goes on, and takes them back',
  nodes: { usual: 30, least: 6 },
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter()
    await stage.clock.sleep(10_000)
    const fallen = stage.sample(stage.honest, Math.max(1, Math.round(stage.cast.honest / 10)))
    fallen.forEach((node, at) => stage.network.crash(node, { silent: at % 2 === 0 }))
    await stage.clock.sleep(DOWN_MS)
    await stage.gather('gathered-without-the-fallen')
    hush()
    await stage.prove('without the fallen')
    await stage.calm()
    await stage.prove('with all again')
  },
}

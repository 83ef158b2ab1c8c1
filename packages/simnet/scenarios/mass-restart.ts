import type { Scenario } from './scenario.ts'

const SPREAD_MS = 5_000
const DOWN_MS = 10_000

/** Everybody restarts, as after an update. */
export const massRestart: Scenario = {
  name: 'mass-restart',
  about:
    'all nodes stop within five seconds, leave nothing behind, and come back, some with an empty disk; all is well again',
  nodes: { usual: 30, least: 5 },
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter()
    await stage.clock.sleep(20_000)
    await Promise.all(
      stage.honest.map(async (node) => {
        await stage.clock.sleep(stage.random() * SPREAD_MS)
        await stage.restart(node, DOWN_MS, { disk: stage.random() < 0.7 })
      }),
    )
    hush()
    await stage.calm()
    await stage.prove('after the restart')
  },
}

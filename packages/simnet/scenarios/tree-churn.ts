import type { Scenario } from './scenario.ts'

const SHARE = 1 / 3
const LEAVING_MS = 60_000
const DOWN_MS = 20_000
const EVERY_MS = 500

/** The links of a tree go, one after the other. */
export const treeChurn: Scenario = {
  name: 'tree-churn',
  about:
    'messages go by tree while a third of the nodes leaves within a minute, most without a word; then all reach all',
  nodes: { usual: 30, least: 5 },
  settings: () => ({ strategy: 'tree' }),
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter({ everyMs: EVERY_MS })
    await stage.clock.sleep(10_000)
    await stage.prove('before churn')
    const leaving = Math.max(1, Math.round(stage.cast.honest * SHARE))
    const away: Promise<void>[] = []
    for (let left = 0; left < leaving; left++) {
      const node = stage.pick(stage.present)
      away.push(stage.reboot(node, DOWN_MS * (0.5 + stage.random()), { silent: stage.random() < 0.75 }))
      await stage.clock.sleep(LEAVING_MS / leaving)
    }
    await Promise.all(away)
    hush()
    await stage.calm()
    await stage.prove('after churn')
  },
}

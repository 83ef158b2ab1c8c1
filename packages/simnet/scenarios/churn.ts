import type { Scenario } from './scenario.ts'

const MINUTES = 3
const SHARE_PER_MINUTE = 0.1
const MINUTE_MS = 60_000
const DOWN_MS = 20_000

/** Nodes come and go. */
export const churn: Scenario = {
  name: 'churn',
  about: 'a tenth of the nodes leaves each minute and comes back, some without a word; then all messages reach all',
  nodes: { usual: 50, least: 5 },
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter()
    const leaving = Math.max(1, Math.round(stage.cast.honest * SHARE_PER_MINUTE))
    const away: Promise<void>[] = []
    for (let left = 0; left < leaving * MINUTES; left++) {
      const node = stage.pick(stage.present)
      away.push(stage.reboot(node, DOWN_MS * (0.5 + stage.random()), { silent: stage.random() < 0.5 }))
      await stage.clock.sleep(MINUTE_MS / leaving)
    }
    await Promise.all(away)
    hush()
    await stage.calm()
    await stage.prove('after churn')
  },
}

import type { Scenario } from './scenario.ts'

const LOSS = 0.1
const JITTER_MS = 50
const LOSSY_MS = 90_000
/** Share of the calls that are answered, since each peer is there and hears all in the end. */
const ANSWERED = 0.95

/** Links lose much of what is sent, and send it again. */
export const lossyLinks: Scenario = {
  name: 'lossy-links',
  about:
    'a tenth of all messages is lost and sent again, with much jitter, for a minute and a half; all arrive in the end',
  nodes: { usual: 30, least: 4 },
  async play(stage) {
    await stage.gather()
    stage.network.links({ loss: LOSS, jitterMs: JITTER_MS })
    const hush = stage.chatter({ answered: ANSWERED })
    await stage.clock.sleep(LOSSY_MS)
    await stage.prove('over lossy links', { withinMs: 20_000 })
    hush()
    await stage.calm()
    await stage.prove('over good links')
  },
}

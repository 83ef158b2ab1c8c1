import type { Scenario } from './scenario.ts'

/** Beyond the 30 s that handshake and envelope allow. */
const SKEW_MS = 45_000
const SKEWED_MS = 120_000
/** Share of the calls that are answered, since each peer is there and hears all in the end. */
const ANSWERED = 0.95

/** Clocks are wrong by more than the window. */
export const clockSkew: Scenario = {
  name: 'clock-skew',
  about:
    'two nodes are 45 s ahead and behind, beyond what envelopes allow; nobody is banned for it, and all is well after',
  nodes: { usual: 20, least: 6 },
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter({ answered: ANSWERED })
    const [fast, late] = stage.sample(stage.honest, 2)
    if (fast !== undefined) stage.network.skew(fast, SKEW_MS)
    if (late !== undefined) stage.network.skew(late, -SKEW_MS)
    await stage.clock.sleep(SKEWED_MS)
    hush()
    await stage.calm()
    await stage.prove('with right clocks')
  },
}

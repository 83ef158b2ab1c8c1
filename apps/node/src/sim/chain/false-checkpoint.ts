import type { ChainScenario } from './scenario.ts'

/** Blocks from one checkpoint to the next. */
const EVERY = 6
const GROWTH_MS = 60_000
const ATTACK_MS = 8_000

/** Nodes are in sync, and a peer claims a checkpoint of its own making above all of their tips. */
export const falseCheckpoint: ChainScenario = {
  name: 'chain-false-checkpoint',
  about: 'a peer makes up a final block far above all others, with a state of its own; nobody in sync goes there',
  nodes: { usual: 6, least: 4 },
  liars: () => 1,
  lie: () => 'false-checkpoint',
  checkpointsEvery: EVERY,
  consensus: { minIntervalMs: 100, maxIntervalMs: 1_000, fallbackMs: 300 },
  async play(stage) {
    const { network, witness } = stage
    await network.gather()
    const hush = stage.traffic(200)
    await stage.untilHeight('grown', () => stage.finalHeight(), EVERY, GROWTH_MS)
    network.attack.isOn = true
    await network.clock.sleep(ATTACK_MS)
    await hush()
    const taken = `Nodes ${[...witness.tookState].join(', ')} took a state`
    network.expect('no-state-taken', witness.tookState.size === 0, taken)
    await stage.prove('beside a false checkpoint')
  },
}

import type { ChainScenario, LieName } from './scenario.ts'
import type { ChainStage } from './stage.ts'

const LIES: readonly LieName[] = ['false-piece', 'withheld-piece']
/** Blocks from one checkpoint to the next: so many that a state is fetched before its givers go on to the next one. */
const EVERY = 12
const GROWTH_MS = 60_000
const CATCH_UP_MS = 12_000

/** A node joins by the state at a checkpoint, and some of those who give it lie. */
export const checkpoint: ChainScenario = {
  name: 'chain-checkpoint',
  about: 'a node joins by a state in pieces; one peer gives false ones and one none, and only the first is blamed',
  nodes: { usual: 8, least: 6 },
  liars: () => LIES.length,
  lie: ({ honest }, index) => LIES[index - honest] ?? 'withheld-piece',
  checkpointsEvery: EVERY,
  consensus: { minIntervalMs: 100, maxIntervalMs: 1_000, fallbackMs: 300 },
  async play(stage) {
    const { network, witness } = stage
    const joiner = network.honest.at(-1)
    if (joiner === undefined) return
    stage.crash(joiner)
    await network.gather()
    const hush = stage.traffic(200)
    await network.until('checkpoint-made', () => withoutCheckpoint(stage), GROWTH_MS)
    await hush()
    network.attack.isOn = true
    await stage.join(joiner, { disk: false })
    // It need not have found them all by itself. A dial joins an attempt of theirs on it while it was down, and fails with that.
    await Promise.all(network.attackers.map(async (liar) => liar.dial(joiner).catch(() => liar.dial(joiner))))
    const height = stage.height()
    if (!(await stage.untilHeight('caught-up', () => stage.height([joiner]), height, CATCH_UP_MS))) return
    await stage.prove('by a checkpoint')
    network.expect('state-taken', witness.tookState.has(joiner.index), 'The node that joined took no state')
    const lieOf = (peer: string): LieName | undefined => this.lie?.(network.cast, network.indexOf(peer))
    const isFound = witness.blames.some(({ by, peer }) => by === joiner.index && lieOf(peer) === 'false-piece')
    network.expect('liar-found', isFound, 'The node that joined does not report who gave it a false piece')
    for (const { by, peer, class: blamed, evidence } of witness.blames) {
      const isRight = lieOf(peer) === 'false-piece' && blamed === 'invalid-message'
      const told = `Node ${by} reports ${lieOf(peer)} for ${blamed}: ${evidence}`
      network.expect('liars-blamed-rightly', isRight, told)
    }
  },
}

/** Whoever is up gives a state, liars among them. */
function withoutCheckpoint(stage: ChainStage): string | undefined {
  const { network } = stage
  const node = [...network.present, ...network.attackers].find(
    (each) => stage.chainOf(each).chain.stateReader.checkpoint() === undefined,
  )
  return node === undefined ? undefined : `Node ${node.index} has no state to give`
}

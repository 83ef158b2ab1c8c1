import type { LieName, ChainScenario } from './scenario.ts'

const LIES: readonly LieName[] = ['false-block', 'withheld-body', 'endless-headers', 'false-height']
const HONEST_AUTHORITIES = [0, 1, 2]
const BLOCKS = 20
const GROWTH_MS = 300_000
const CATCH_UP_MS = 240_000
const ATTACK_MS = 8_000

/** Peers lie about the chain. */
export const liars: ChainScenario = {
  name: 'chain-liars',
  about:
    'peers send false blocks, claim heights that there are not, give endless headers and no bodies; honest nodes agree',
  nodes: { usual: 12, least: 8 },
  liars: (nodes) => Math.max(LIES.length, Math.floor(nodes / 3)),
  // The first liar is an authority itself: what others sign is refused for that alone.
  authorities: ({ honest }) => [...HONEST_AUTHORITIES, honest],
  lie: ({ honest }, index) => LIES[(index - honest) % LIES.length] ?? 'false-height',
  async play(stage) {
    const { network, witness } = stage
    const joiner = network.honest.at(-1)
    if (joiner === undefined) return
    stage.crash(joiner)
    await network.gather()
    const hush = stage.traffic()
    await stage.untilHeight('grown', () => stage.height(), BLOCKS, GROWTH_MS)
    network.attack.isOn = true
    await stage.join(joiner, { disk: false })
    const height = stage.height()
    await stage.untilHeight('caught-up', () => stage.height([joiner]), height, CATCH_UP_MS)
    await network.clock.sleep(ATTACK_MS)
    await hush()
    await stage.prove('among liars')
    const nameOf = (peer: string): LieName | undefined => this.lie?.(network.cast, network.indexOf(peer))
    const proved = witness.blames.filter(({ peer }) => nameOf(peer) === 'false-block')
    const isFound = proved.some((blame) => blame.class === 'invalid-message')
    network.expect('liars-found', isFound, 'Nobody reports who sends false blocks for an invalid message')
    // What nobody can prove is no reason to blame anybody.
    for (const { by, peer, class: blamed, evidence } of witness.blames) {
      if (nameOf(peer) === 'false-block') continue
      network.expect('liars-blamed-rightly', false, `Node ${by} reports ${nameOf(peer)} for ${blamed}: ${evidence}`)
    }
  },
}

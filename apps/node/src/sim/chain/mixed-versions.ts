import type { ChainScenario, Version } from './scenario.ts'

const VERSIONS: readonly Version[] = ['without-chain', 'few-kinds', 'other-status', 'more-kinds']
/** Authorities, one of which is of another version. */
const AUTHORITIES = [0, 1, 2, 4]
const OURS = 3
const TOGETHER_MS = 10_000
const MORE_BLOCKS = 10

/** Nodes of other versions are in the network. */
export const mixedVersions: ChainScenario = {
  name: 'chain-versions',
  about: 'nodes without a chain, with fewer kinds of messages, with more and with other statuses; nobody is blamed',
  nodes: { usual: 11, least: 7 },
  authorities: () => AUTHORITIES,
  version: (_cast, index) => (index < OURS ? undefined : VERSIONS[(index - OURS) % VERSIONS.length]),
  async play(stage) {
    const { network } = stage
    await network.gather()
    const hush = stage.traffic()
    const begin = stage.height()
    await network.clock.sleep(TOGETHER_MS)
    await stage.untilHeight('blocks-go-on', () => stage.height(), begin + MORE_BLOCKS, TOGETHER_MS)
    await hush()
    await stage.prove('mixed')
  },
}

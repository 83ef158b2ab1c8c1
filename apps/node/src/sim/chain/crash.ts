import type { ChainScenario } from './scenario.ts'
import type { ChainStage, Node } from './stage.ts'

const CRASHES = 5
const DOWN_MS = 2_000
/** Time between two looks at a disk, and the longest wait for a write, in ms. */
const LOOK_MS = 1
const PATIENCE_MS = 3_000
const BETWEEN_MS = 1_000
/** Longest time until a node that opened again has a block that is new to it, in ms. */
const GO_ON_MS = 30_000
/** A write may end in the moment before the crash: so many crashes hit one, at least. */
const LEAST_HITS = 3

/** Nodes crash while they write. */
export const crash: ChainScenario = {
  name: 'chain-crash',
  about: 'nodes crash while they import, and disks lose and tear what is not synced; all open at a whole block again',
  nodes: { usual: 6, least: 4 },
  hasDisks: true,
  async play(stage) {
    const { network } = stage
    await network.gather()
    const hush = stage.traffic(300)
    let hits = 0
    for (let crashes = 0; crashes < CRASHES; crashes++) {
      const node = network.pick(stage.keepers)
      await whileWriting(stage, node)
      const height = stage.height([node])
      if (isWriting(stage, node)) hits += 1
      stage.crash(node)
      await network.clock.sleep(network.random() * DOWN_MS)
      await stage.join(node)
      await stage.untilHeight('goes-on', () => stage.height([node]), height + 1, GO_ON_MS)
      await network.clock.sleep(network.random() * BETWEEN_MS)
    }
    network.expect('crashed-in-a-write', hits >= LEAST_HITS, `Of ${CRASHES} crashes ${hits} hit a write`)
    await hush()
    // What only a node had that crashed is lost with its memory.
    await stage.prove('after crashes', { isAllPaid: false })
  },
}

/** Waits until a node writes to its disk, or for long enough. */
async function whileWriting(stage: ChainStage, node: Node): Promise<void> {
  const { clock } = stage.network
  const endMs = clock.nowMs + PATIENCE_MS
  // Not always at the first write of a block.
  await clock.sleep(stage.network.random() * BETWEEN_MS)
  while (!isWriting(stage, node) && clock.nowMs < endMs) await clock.sleep(LOOK_MS * (0.5 + stage.network.random()))
  await clock.sleep(LOOK_MS * stage.network.random())
}

function isWriting(stage: ChainStage, node: Node): boolean {
  return (stage.placeOf(node).disk?.writes ?? 0) > 0
}

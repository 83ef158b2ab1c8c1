import type { ChainScenario } from './scenario.ts'
import type { ChainStage, Node } from './stage.ts'

const CRASHES = 5
const DOWN_MS = 2_000
/** Time between two looks at a disk, and the longest wait for a write, in ms. */
const LOOK_MS = 1
const PATIENCE_MS = 3_000
const BETWEEN_MS = 1_000

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
    for (let crashes = 0; crashes < CRASHES; crashes++) {
      const node = network.pick(stage.keepers)
      await whileWriting(stage, node)
      stage.crash(node)
      await network.clock.sleep(network.random() * DOWN_MS)
      await stage.join(node)
      await network.clock.sleep(network.random() * BETWEEN_MS)
    }
    await hush()
    // What only a node had that crashed is lost with its memory.
    await stage.prove('after crashes', { isAllPaid: false })
  },
}

/** Waits until a node writes to its disk, or for long enough. */
async function whileWriting(stage: ChainStage, node: Node): Promise<void> {
  const { clock } = stage.network
  const isIdle = (): boolean => stage.placeOf(node).disk?.writes === 0
  const endMs = clock.nowMs + PATIENCE_MS
  // Not always at the first write of a block.
  await clock.sleep(stage.network.random() * BETWEEN_MS)
  while (isIdle() && clock.nowMs < endMs) await clock.sleep(LOOK_MS * (0.5 + stage.network.random()))
  await clock.sleep(LOOK_MS * stage.network.random())
}

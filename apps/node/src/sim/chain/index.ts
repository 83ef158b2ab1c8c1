import { checkpoint } from './checkpoint.ts'
import { crash } from './crash.ts'
import { falseCheckpoint } from './false-checkpoint.ts'
import { heldUp } from './held-up.ts'
import { lateJoiner } from './late-joiner.ts'
import { liars } from './liars.ts'
import { mixedVersions } from './mixed-versions.ts'
import { partition } from './partition.ts'
import { reorg } from './reorg.ts'
import type { ChainScenario } from './scenario.ts'

/** Every scenario of the chain. */
export const chainScenarios: readonly ChainScenario[] = [
  lateJoiner,
  liars,
  checkpoint,
  falseCheckpoint,
  heldUp,
  reorg,
  crash,
  partition,
  mixedVersions,
]

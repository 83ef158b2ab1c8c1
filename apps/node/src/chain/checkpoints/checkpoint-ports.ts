import type { BlockStore } from '@gridmesh/block-store'
import type { HeaderFacts, HistoryTarget, StateReader, StateTarget } from '@gridmesh/block-sync'
import type { ChainTip } from '@gridmesh/interfaces'
import { decodeHeader, type Registry } from '@gridmesh/ledger'
import { blocksAbove } from '../blocks-above.ts'
import { type ChainRules, factsOf } from '../chain-block.ts'
import { CheckpointBehindError } from '../errors.ts'
import type { ImportQueue } from '../import-queue.ts'
import type { MainChain } from '../main-chain.ts'
import type { Mover } from '../mover.ts'
import type { SideBlocks, SideLimits } from '../side-blocks.ts'
import { storedBlock } from '../stored-block.ts'
import { BlockHistory, type BlockHistoryParts } from './block-history.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { CheckpointOptions } from './options.ts'
import type { PieceImportParts } from './piece-import.ts'
import { EnergyStateTarget } from './state-target.ts'

/** What the ports are made of. */
export interface CheckpointPortsParts {
  store: BlockStore
  main: MainChain
  mover: Mover
  sides: SideBlocks
  queue: ImportQueue
  limits: SideLimits
  rules: ChainRules
  registry: Registry
  chainId: Uint8Array
  checkpoints: Checkpoints
  options: CheckpointOptions
  /** The lowest block that is stored, where it is not genesis. */
  lowest: HeaderFacts | undefined
}

/** What sync needs for checkpoints, of one chain. */
export interface CheckpointPorts {
  stateReader: StateReader & { checkpoint(): ChainTip | undefined }
  stateTarget: StateTarget
  history: HistoryTarget
}

/** Joins the ports to a chain. */
export function checkpointPorts(parts: CheckpointPortsParts): CheckpointPorts {
  const { store, main, queue, rules, registry, chainId, checkpoints, options, lowest } = parts
  const inTurn: BlockHistoryParts['inTurn'] = async (bytes, task, signal) => queue.run(bytes, task, { signal })
  const history = new BlockHistory({ store, rules, registry, chainId, inTurn, lowest })
  const adopt = adopterOf(parts, history)
  const finalised = (): ChainTip => main.finalised
  const stateTarget = new EnergyStateTarget({ store, registry, chainId, options, finalised, adopt })
  return { stateReader: checkpoints, stateTarget, history }
}

/**
 * Goes to the state at a checkpoint, between two imports. Its block is final by definition, as genesis is: what its
 * standing owes to votes before it could only make blocks final that it has made final itself.
 */
function adopterOf(parts: CheckpointPortsParts, history: BlockHistory): PieceImportParts['adopt'] {
  const { main, mover, sides, queue, limits, rules } = parts
  return async (full, { tree, authorities }, staged, signal) =>
    queue.run(
      0,
      async () => {
        mover.assertWhole()
        const header = decodeHeader(Uint8Array.from(full.block.header.bytes))
        const reached = main.tip.facts.height
        if (header.height <= reached) throw new CheckpointBehindError(header.height, reached)
        const facts = factsOf(header)
        const place = { standing: rules.begin(facts), changedAt: 0 }
        // What users have in them goes on; of more than a switch may revert, or of what is pruned, nothing does.
        const old = await blocksAbove(main, main.finalised.height, limits)
        await mover.restart('code' in old ? [] : old.map(({ full: block }) => block), async () => {
          await staged.finish(storedBlock(full, place))
          await main.restart({ ...place, header, facts, authorities }, tree)
          history.restart(facts)
          // Nothing that was kept builds on it.
          sides.deleteBelow(header.height)
        })
      },
      { signal },
    )
}

import { checkSuccession } from '@gridmesh/ledger'
import type { Block } from '@gridmesh/ledger'
import type { HeaderFacts } from '@gridmesh/consensus'
import { checkChanges } from './authorities.ts'
import { type BlockFault, type ChainBlock, type ChainRules, factsOf, type Standing } from './chain-block.ts'

/** What comes of looking at a header, without its signature. `retryInMs` is there when only time is missing. */
export type HeaderJudgement =
  | { status: 'valid'; facts: HeaderFacts; standing: Standing }
  | ({ status: 'refused'; retryInMs?: number } & BlockFault)

/** Judges who made a block and when, by the block before it. Without `nowMs` no clock is asked. */
export function judgeHeader(rules: ChainRules, parent: ChainBlock, block: Block, nowMs?: number): HeaderJudgement {
  const fault = checkSuccession(parent.header, block.header) ?? checkChanges(block, parent, rules)
  if (fault !== undefined) return { status: 'refused', ...fault }
  const facts = factsOf(block.header)
  const { standing, authorities, former } = parent
  const judgement = rules.judge(
    { header: facts, parent: parent.facts, standing, authorities, former },
    nowMs === undefined ? {} : { nowMs },
  )
  return judgement.status === 'refused' ? judgement : { ...judgement, facts }
}

import type { Candidate, ConsensusRules, Judgement, RatedTip } from '../engine.ts'
import { AuthoritySet } from './authority-set.ts'
import { type PoaRulesInit, type PoaRulesOptions, rulesOptions } from './options.ts'
import { firstStanding, nextStanding, type PoaStanding } from './standing.ts'
import { isInTurn, refusalOf } from './turn.ts'

/** The rules of proof of authority, with their options. */
export interface PoaRules extends ConsensusRules<PoaStanding> {
  readonly options: Readonly<PoaRulesOptions>
}

/** Makes the rules that chain and engine share. @throws {RangeError} when one of them is out of its range */
export function poaRules(init: PoaRulesInit = {}): PoaRules {
  const options = rulesOptions(init)
  return {
    name: 'poa',
    options,
    begin: firstStanding,
    judge: (candidate, { nowMs } = {}) => judge(candidate, options, nowMs),
    better,
    finalHeight: ({ final }) => final,
  }
}

function judge(
  { header, parent, standing, authorities }: Candidate<PoaStanding>,
  options: PoaRulesOptions,
  nowMs: number | undefined,
): Judgement<PoaStanding> {
  const set = AuthoritySet.of(authorities)
  const refusal = refusalOf(header, parent, set, options, nowMs)
  if (refusal !== undefined) return { status: 'refused', ...refusal }
  const isVote = isInTurn(header, parent, set, options)
  return { status: 'valid', standing: nextStanding(standing, header, isVote, set, options.quorum) }
}

/**
 * The branch of the newest finalised block, then the newest certified block, then weight, then the smaller hash. The
 * certified block comes before the weight, or a minority that made many blocks would outweigh a majority that agreed.
 */
function better(a: RatedTip<PoaStanding>, b: RatedTip<PoaStanding>): boolean {
  if (a.isFinalisedBranch !== b.isFinalisedBranch) return a.isFinalisedBranch
  if (a.standing.certified !== b.standing.certified) return a.standing.certified > b.standing.certified
  if (a.standing.weight !== b.standing.weight) return a.standing.weight > b.standing.weight
  return a.hash < b.hash
}

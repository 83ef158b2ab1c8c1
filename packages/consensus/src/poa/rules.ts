import type { Candidate, ConsensusRules, Judgement } from '../engine.ts'
import { AuthoritySet } from './authority-set.ts'
import { betterBy } from './fork-choice.ts'
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
    better: betterBy(options.forkChoice),
    finalHeight: ({ final }) => final,
  }
}

function judge(
  { header, parent, standing, authorities, former }: Candidate<PoaStanding>,
  options: PoaRulesOptions,
  nowMs: number | undefined,
): Judgement<PoaStanding> {
  const set = AuthoritySet.of(authorities)
  const refusal = refusalOf(header, parent, set, options, nowMs)
  if (refusal !== undefined) return { status: 'refused', ...refusal }
  const isVote = isInTurn(header, parent, set, options)
  const electorate = { set, former: former === undefined ? undefined : AuthoritySet.of(former), kind: options.quorum }
  return { status: 'valid', standing: nextStanding(standing, header, isVote, electorate) }
}

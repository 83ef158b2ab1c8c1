import type { ChainTip } from '@gridmesh/interfaces'
import { IN_TURN_WEIGHT, OUT_OF_TURN_WEIGHT } from '../constants.ts'
import type { HeaderFacts } from '../ports.ts'
import type { AuthoritySet } from './authority-set.ts'
import type { Quorum } from './options.ts'

/** What a block says of its branch. Plain data, at most two numbers for each authority. */
export interface PoaStanding {
  /** Sum over the branch of 2 for a block in turn and 1 for any other. */
  readonly weight: number
  /** Height of the newest ancestor that a quorum built on in turn, within as many blocks as there are authorities. */
  readonly certified: number
  /** Height of the newest ancestor that is final: certified, and then built on by a whole quorum once more. */
  readonly final: number
  /** Height of the newest block with transactions; 0 where there is none. */
  readonly filled: number
  /** 1 where its maker took the last turn that it had before this block, by a block that counts as in turn; else 0. */
  readonly reputation: number
  /** Whose `votes` are counted. */
  readonly set: string
  /** Heights of the blocks in turn among the newest, as many as two for each authority, ascending. */
  readonly votes: readonly number[]
}

/** Standing of a block that is final by definition. */
export function firstStanding({ height }: ChainTip): PoaStanding {
  return { weight: 0, certified: height, final: height, filled: 0, reputation: 0, set: '', votes: [] }
}

/** Blocks of a branch over which votes count: an authority that changes branches does not vote for that long. */
export function windowOf(set: AuthoritySet): number {
  return 2 * set.size
}

/** Whose votes count. */
export interface Electorate {
  set: AuthoritySet
  /** Those before a change that is not final yet: a quorum is one of theirs as well. */
  former?: AuthoritySet | undefined
  kind: Quorum
}

/** The standing of a block by that of its parent. Within `size` heights each authority is in turn once. */
export function nextStanding(
  parent: PoaStanding,
  { height, proposer, isFilled = false }: Pick<HeaderFacts, 'height' | 'proposer' | 'isFilled'>,
  isVote: boolean,
  electorate: Electorate,
): PoaStanding {
  const { set, former } = electorate
  const id = former === undefined ? set.id : `${set.id} after ${former.id}`
  const weight = parent.weight + (isVote ? IN_TURN_WEIGHT : OUT_OF_TURN_WEIGHT)
  // Votes of other authorities say nothing of a quorum of these. And of those that were cast while a quorum of the former
  // ones was wanted as well, nobody took a lock by these alone: so they do not count once it is wanted no more.
  const earlier = parent.set === id ? parent.votes : []
  // Those that are left are for all blocks of the window.
  const votes = [...earlier, ...(isVote ? [height] : [])].filter((vote) => vote > height - windowOf(set))
  const newest = quorumBefore(votes, votes.length, electorate)
  // What does not certify does not finalise: votes further apart may be of one authority twice, and no quorum.
  const final = newest === undefined ? undefined : certifiedBefore(votes, newest, electorate)
  return {
    weight,
    certified: Math.max(parent.certified, builtOnBy(votes, newest)),
    final: Math.max(parent.final, builtOnBy(votes, final)),
    filled: isFilled ? height : parent.filled,
    reputation: earlier.includes(lastTurnOf(proposer, height, set)) ? 1 : 0,
    set: id,
    votes,
  }
}

/** Height at which an authority was in turn last, before `height`; NaN for anybody else. */
function lastTurnOf(proposer: string, height: number, set: AuthoritySet): number {
  return height + (set.rankOf(proposer, height) ?? Number.NaN) - set.size
}

/** The newest block that all votes from number `first` on are for. */
function builtOnBy(votes: readonly number[], first: number | undefined): number {
  return (votes[first ?? votes.length] ?? 1) - 1
}

/** Where the newest quorum begins that lies before vote number `end`, whichever vote it ends with. */
function certifiedBefore(votes: readonly number[], end: number, electorate: Electorate): number | undefined {
  for (let count = end; count > 0; count--) {
    const first = quorumBefore(votes, count, electorate)
    if (first !== undefined) return first
  }
  return undefined
}

/** Where the quorum begins that ends with the last vote before number `end`, if it lies within `size` heights. */
function quorumBefore(votes: readonly number[], end: number, { set, former, kind }: Electorate): number | undefined {
  const last = votes[end - 1] ?? 0
  let [missing, missingFormer] = [set.quorum(kind), former?.quorum(kind) ?? 0]
  for (let first = end - 1; first >= 0; first--) {
    const vote = votes[first] ?? 0
    if (last - vote >= set.size) return undefined
    missing--
    if (former?.has(set.inTurn(vote)) === true) missingFormer--
    if (missing <= 0 && missingFormer <= 0) return first
  }
  return undefined
}

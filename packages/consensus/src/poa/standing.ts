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
  /** Which authorities `votes` are of. */
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

/** The standing of a block by that of its parent. Within `size` heights each authority is in turn once. */
export function nextStanding(
  parent: PoaStanding,
  { height, proposer, isFilled = false }: Pick<HeaderFacts, 'height' | 'proposer' | 'isFilled'>,
  isVote: boolean,
  set: AuthoritySet,
  kind: Quorum,
): PoaStanding {
  const weight = parent.weight + (isVote ? IN_TURN_WEIGHT : OUT_OF_TURN_WEIGHT)
  // Votes of other authorities say nothing of a quorum of these.
  const earlier = parent.set === set.id ? parent.votes : []
  // Those that are left are for all blocks of the window.
  const votes = [...earlier, ...(isVote ? [height] : [])].filter((vote) => vote > height - windowOf(set))
  const quorum = set.quorum(kind)
  const certified = certifiedBy(votes, votes.length, quorum, set.size)
  // What does not certify does not finalise: votes further apart may be of one authority twice, and no quorum.
  const final = certified === undefined ? undefined : finalBy(votes, quorum, set.size)
  return {
    weight,
    certified: Math.max(parent.certified, certified ?? 0),
    final: Math.max(parent.final, final ?? 0),
    filled: isFilled ? height : parent.filled,
    reputation: earlier.includes(lastTurnOf(proposer, height, set)) ? 1 : 0,
    set: set.id,
    votes,
  }
}

/** Height at which an authority was in turn last, before `height`; NaN for anybody else. */
function lastTurnOf(proposer: string, height: number, set: AuthoritySet): number {
  return height + (set.rankOf(proposer, height) ?? Number.NaN) - set.size
}

/** The newest block that the last `quorum` of the first `count` votes are all for. */
function certifiedBy(votes: readonly number[], count: number, quorum: number, size: number): number | undefined {
  const first = votes[count - quorum]
  const last = votes[count - 1]
  return first !== undefined && last !== undefined && last - first < size ? first - 1 : undefined
}

/** The newest block that was certified before the last `quorum` votes. */
function finalBy(votes: readonly number[], quorum: number, size: number): number | undefined {
  for (let count = votes.length - quorum; count >= quorum; count--) {
    const certified = certifiedBy(votes, count, quorum, size)
    if (certified !== undefined) return certified
  }
  return undefined
}

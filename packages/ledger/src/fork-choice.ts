import { compareBytes } from './bytes.ts'

/** Chooses between two blocks that a chain may go on from. */
export interface ForkChoice<Tip> {
  /** Whether `a` is to be preferred. Of two blocks with different hashes exactly one is. */
  better(a: Tip, b: Tip): boolean
}

/** What every choice goes by in the end. */
export interface HashedTip {
  hash: Uint8Array
}

/** What `authority` goes by. */
export interface AuthorityTip extends HashedTip {
  /** Whether it descends from the newest finalised block. */
  isFinalisedBranch: boolean
  /** Weight of the authorities that endorse it. */
  endorsedWeight: number
  gridSequence: number
  height: number
}

/** What `timestampReputation` goes by. */
export interface ReputationTip extends HashedTip {
  timeMs: number
  /** Of the proposer. */
  reputation: number
}

/** What `longest` goes by. */
export interface HeightTip extends HashedTip {
  height: number
}

/** The finalised branch, then authority weight, newest grid state, height, and the smaller hash. */
export const authority: ForkChoice<AuthorityTip> = choice(
  ({ isFinalisedBranch }) => Number(isFinalisedBranch),
  ({ endorsedWeight }) => endorsedWeight,
  ({ gridSequence }) => gridSequence,
  ({ height }) => height,
)

/** The earlier time, then the reputation of the proposer, and the smaller hash. */
export const timestampReputation: ForkChoice<ReputationTip> = choice(
  ({ timeMs }) => -timeMs,
  ({ reputation }) => reputation,
)

/** The greater height, then the smaller hash. */
export const longest: ForkChoice<HeightTip> = choice(({ height }) => height)

/** Goes by one rank after the other, the higher being better, until one differs. */
function choice<Tip extends HashedTip>(...ranks: ((tip: Tip) => number)[]): ForkChoice<Tip> {
  return {
    better(a, b) {
      const rank = ranks.find((rankOf) => rankOf(a) !== rankOf(b))
      return rank === undefined ? compareBytes(a.hash, b.hash) < 0 : rank(a) > rank(b)
    },
  }
}

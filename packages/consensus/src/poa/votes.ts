import type { ChainTip } from '@gridmesh/interfaces'
import type { Head } from '../ports.ts'
import { AuthoritySet } from './authority-set.ts'
import { type PoaStanding, windowOf } from './standing.ts'

/** What an authority has committed itself to. */
export interface Commitment {
  /** Its newest block in turn. */
  vote?: ChainTip
  /** The newest certified block that it built on in turn. */
  lock?: ChainTip
}

/** Answers for the branch of the head that is built on. */
export type HashAt = (height: number) => Promise<string | undefined>

/**
 * The lock that an authority takes by building in turn on `head`, or `undefined` where it must not. Such a block counts
 * as a vote for all blocks of the window before it. So its maker must not have voted for others at those heights, nor
 * desert a block that a quorum may have made final with its help, unless the branch shows that a quorum went on to a
 * later one.
 */
export async function lockFor(
  { vote, lock }: Commitment,
  { header, standing, authorities }: Head<PoaStanding>,
  hashAt: HashAt,
): Promise<ChainTip | undefined> {
  const isHere = async (tip: ChainTip): Promise<boolean> =>
    tip.height <= header.height && (await hashAt(tip.height)) === tip.hash
  const windowStart = header.height + 1 - windowOf(AuthoritySet.of(authorities))
  if (vote !== undefined && vote.height >= windowStart && !(await isHere(vote))) return undefined
  if (lock !== undefined && lock.height >= standing.certified) return (await isHere(lock)) ? lock : undefined
  const hash = await hashAt(standing.certified)
  return hash === undefined ? undefined : { height: standing.certified, hash }
}

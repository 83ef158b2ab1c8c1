import type { ChainTip } from '@gridmesh/interfaces'
import { BUCKETS } from '@gridmesh/ledger'

/** Checkpoints: which are made for others, and how one is taken. */
export interface CheckpointInit {
  /** The state after a block is given to others where its height is a multiple of this, once it is final; 0 gives none. @default 1_000 */
  every?: number
  /** Parts in which a state is fetched: a power of two up to 65_536. Where one is over 4 MiB, 16 times as many. @default 1_024 */
  pieces?: number
  /** The only checkpoint that is taken, where it is known to be final. @default one that peers agree on */
  trusted?: ChainTip
}

/** The options with every default applied. */
export type CheckpointOptions = Required<Omit<CheckpointInit, 'trusted'>> & Pick<CheckpointInit, 'trusted'>

/** @throws {RangeError} naming the option, the value and the range */
export function checkpointOptions({ every = 1_000, pieces = 1_024, trusted }: CheckpointInit = {}): CheckpointOptions {
  if (!(Number.isSafeInteger(every) && every >= 0)) {
    throw new RangeError(`every is ${every}, and must be a whole number from 0`)
  }
  if (!(Number.isSafeInteger(pieces) && pieces >= 1 && BUCKETS % pieces === 0)) {
    throw new RangeError(`pieces is ${pieces}, and must be a power of two from 1 to ${BUCKETS}`)
  }
  return { every, pieces, ...(trusted !== undefined && { trusted }) }
}

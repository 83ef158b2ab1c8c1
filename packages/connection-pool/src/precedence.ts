/** All that decides over a peer that wants in, once it is known who it is. */
export interface Situation {
  /** The peer is this node. */
  isSelf: boolean
  /** The peer is banned. */
  isBanned: boolean
  /** The peer has as many other connections as one may have. */
  isDuplicate: boolean
  /** A reserved slot is free for the peer. */
  isReserved: boolean
  /** All ordinary slots of the direction are taken. */
  isFull: boolean
}

/**
 * What becomes of a peer that wants in.
 *
 * - `replace-oldest`: the oldest of its connections is closed, where a newer one comes in without it
 * - `make-room`: it gets the slot of a peer that ranks lower, and is refused where there is none
 */
export type PrecedenceVerdict =
  | 'refuse-self'
  | 'refuse-banned'
  | 'replace-oldest'
  | 'admit-reserved'
  | 'make-room'
  | 'admit'

/** One row of the table: what counts, and the verdict where it holds and no earlier row does. */
export interface PrecedenceRule {
  readonly when: keyof Situation | 'otherwise'
  readonly verdict: PrecedenceVerdict
}

/** Who wins where several things are true of a peer at once: the first row that holds. */
export const PRECEDENCE: readonly PrecedenceRule[] = [
  { when: 'isSelf', verdict: 'refuse-self' },
  { when: 'isBanned', verdict: 'refuse-banned' },
  { when: 'isDuplicate', verdict: 'replace-oldest' },
  { when: 'isReserved', verdict: 'admit-reserved' },
  { when: 'isFull', verdict: 'make-room' },
  { when: 'otherwise', verdict: 'admit' },
]

/** The verdict of the table. */
export function judge(situation: Situation): PrecedenceVerdict {
  const rule = PRECEDENCE.find(({ when }) => when === 'otherwise' || situation[when])
  return rule?.verdict ?? 'admit'
}

import type { Standing } from './reputation.ts'

/** A peer whose standing changed in the tick that ends. */
export interface Subject extends Standing {
  /** Peer id string. */
  readonly key: string
  /** Counts among the links that `minPeers` protects. */
  readonly isLink: boolean
}

/** The limits of a judgement, and how many links there are to lose. */
export interface JudgeContext {
  readonly links: number
  readonly minPeers: number
  readonly disconnectReputation: number
  readonly banReputation: number
}

/** What is to be done with a peer. */
export interface Sentence {
  readonly key: string
  readonly action: 'disconnect' | 'ban'
  /** Only what is proved may count, since links are short. */
  readonly isProvenOnly: boolean
}

/**
 * Turns standings into sentences at the end of a tick. Pure, and blind to the order of its input: the gravest are
 * judged first, each one uses up a link, and once `minPeers` links are left only proved offences take more.
 */
export function judge(subjects: readonly Subject[], context: JudgeContext): Sentence[] {
  let { links } = context
  const sentences: Sentence[] = []
  for (const subject of subjects.toSorted(compareGravity)) {
    const isProvenOnly = subject.isLink ? links <= context.minPeers : links < context.minPeers
    const action = actionFor(subject, isProvenOnly, context)
    if (action === undefined) continue
    sentences.push({ key: subject.key, action, isProvenOnly })
    if (subject.isLink) links--
  }
  return sentences
}

function actionFor(subject: Subject, isProvenOnly: boolean, context: JudgeContext): Sentence['action'] | undefined {
  const { reputation, provenReputation } = subject
  // Both must be at the limit where only proof counts: a peer that is spared above the floor is spared below it.
  const score = isProvenOnly ? Math.max(reputation, provenReputation) : reputation
  if (score <= context.banReputation) return 'ban'
  return score <= context.disconnectReputation ? 'disconnect' : undefined
}

function compareGravity(a: Subject, b: Subject): number {
  return a.provenReputation - b.provenReputation || a.reputation - b.reputation || (a.key < b.key ? -1 : 1)
}

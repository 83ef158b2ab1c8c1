import type { Offence } from '@gridmesh/block-sync'
import type { ReportClass, Verdict } from '@gridmesh/interfaces'
import type { AddResult } from '@gridmesh/mempool'

/** Refusals of a transaction that hold for everyone and at all times; any other one may be of this node's state. */
const FALSE_FOR_ALL: ReadonlySet<string> = new Set(['malformed', 'too-large', 'invalid-signature'])

/** Refusals of a block that say nothing of it: a clock, what is final here already, or that there is no room for it. */
const NO_PROOF: ReadonlySet<string> = new Set(['time-ahead', 'below-finalised', 'side-full'])

/**
 * Whether to pass on the transactions that came in one message, and whether whoever brought them pays. One that is false
 * for everybody condemns all of them; else one that is new here is reason enough.
 */
export function transactionsVerdict(results: readonly AddResult[]): Verdict {
  if (results.some((result) => result.status === 'refused' && FALSE_FOR_ALL.has(result.code))) return 'reject'
  return results.some(({ status }) => status !== 'refused') ? 'accept' : 'ignore'
}

/** Whether the refusal of a block proves that it is false. */
export function isProof(code: string): boolean {
  return !NO_PROOF.has(code)
}

/** What a peer is blamed for that lied to a sync: what breaks a form, and what is false. */
const CLASSES: Readonly<Record<Offence, ReportClass>> = {
  'malformed-answer': 'protocol-violation',
  'malformed-header': 'protocol-violation',
  'malformed-block': 'protocol-violation',
  'too-many-headers': 'protocol-violation',
  'too-many-blocks': 'protocol-violation',
  'too-many-bytes': 'protocol-violation',
  'unlinked-headers': 'protocol-violation',
  'wrong-header': 'invalid-message',
  'false-claim': 'invalid-message',
  'wrong-block': 'invalid-message',
  'invalid-header': 'invalid-message',
  'invalid-block': 'invalid-message',
  'false-piece': 'invalid-message',
  // Who was cut off from the authorities is on another branch in good faith, and cannot know what became final meanwhile.
  'forks-below-finality': 'absent',
  'contradicts-finality': 'invalid-message',
}

/** The class under which the peer manager takes an offence. */
export function reportClassOf(offence: Offence): ReportClass {
  return CLASSES[offence]
}

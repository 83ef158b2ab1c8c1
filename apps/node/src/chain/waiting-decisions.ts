import {
  authorityRegister,
  authorityRevoke,
  type BlockContext,
  type Overlay,
  proposal,
  type ProposalBody,
  type ProposalRef,
  proposals,
  toHex,
  type Transaction,
  vote,
  type VoteBody,
} from '@gridmesh/ledger'
import { isOf } from './is-of.ts'
import type { LedgerPoolTransaction } from './pool-transaction.ts'

/** A proposal that waits, and what was said to it, one vote of each authority. */
interface Decision {
  asked?: Transaction<ProposalBody>
  readonly votes: Map<string, Transaction<VoteBody>>
}

/** The proposal that a transaction votes on or carries out. */
export function decidedBy(transaction: Transaction): ProposalRef | undefined {
  if (isOf(transaction, vote)) return transaction.body
  if (isOf(transaction, authorityRegister)) return transaction.body
  return isOf(transaction, authorityRevoke) ? transaction.body : undefined
}

/**
 * Proposals and votes that wait for a block. What follows from them is judged as if they had been applied: a branch that
 * is left gives back all of them at once, and a restart looks at each anew.
 */
export class WaitingDecisions {
  readonly #decisions = new Map<string, Decision>()

  constructor(waiting: Iterable<LedgerPoolTransaction> = []) {
    for (const one of waiting) this.add(one)
  }

  add({ sender, transaction }: LedgerPoolTransaction): void {
    const { address, id } = transaction
    if (isOf(transaction, proposal)) this.#of({ proposer: address, proposal: id }).asked = transaction
    else if (isOf(transaction, vote)) this.#of(transaction.body).votes.set(sender, transaction)
  }

  /** Applies what waits of a proposal to a state, which has the rows that those who follow from it read. */
  apply(ref: ProposalRef, state: Overlay, block: BlockContext): void {
    const { asked, votes } = this.#of(ref)
    if (asked !== undefined) proposal.apply(asked, state, block)
    const open = proposals.get(state, ref.proposer)
    if (open === undefined || toHex(open.id) !== toHex(ref.proposal)) return
    const voters = new Set(open.votes.map(({ voter }) => toHex(voter)))
    for (const [voter, cast] of votes) if (!voters.has(voter)) vote.apply(cast, state, block)
  }

  hasVotes(ref: ProposalRef): boolean {
    return this.#of(ref).votes.size > 0
  }

  #of(ref: ProposalRef): Decision {
    // With who made it: whoever names a proposal reads the row of the one that it says made it, and no other.
    const name = toHex(ref.proposer) + toHex(ref.proposal)
    const known = this.#decisions.get(name)
    if (known !== undefined) return known
    const decision: Decision = { votes: new Map() }
    this.#decisions.set(name, decision)
    return decision
  }
}

import { areEqual, toHex } from '../bytes.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { authoritiesOf } from '../state/authorities.ts'
import { type Action, type CastVote, type Proposal, proposals } from '../state/proposals.ts'
import type { StateView } from '../state/state-view.ts'

/** Names a proposal: who made it, and which of those it made. */
export interface ProposalRef {
  /** Address of the authority. */
  proposer: Uint8Array
  /** Id of the transaction. */
  proposal: Uint8Array
}

/** The proposal that is meant, while it is open in block `height`. */
export function openProposal(
  view: StateView,
  ref: ProposalRef,
  height: number,
): Proposal | Refusal<'unknown-proposal' | 'proposal-closed'> {
  const proposal = proposals.get(view, ref.proposer)
  if (proposal === undefined || !areEqual(proposal.id, ref.proposal)) {
    return refuse('unknown-proposal', `${toHex(ref.proposal)} is not open with ${toHex(ref.proposer)}`)
  }
  if (proposal.closesAtHeight >= height) return proposal
  return refuse('proposal-closed', `it closed at ${proposal.closesAtHeight}, and this is block ${height}`)
}

/** The votes of those who are authorities now; votes of others no longer count. */
export function countingVotes(view: StateView, { votes }: Proposal): CastVote[] {
  const list = authoritiesOf(view)
  return votes.filter(({ voter }) => list.some((address) => areEqual(address, voter)))
}

/** Refuses an action that more than two thirds of the authorities have not decided on, to the byte. */
export function checkDecided(view: StateView, ref: ProposalRef, action: Action, height: number): Refusal | undefined {
  const proposal = openProposal(view, ref, height)
  if ('code' in proposal) return proposal
  if (proposal.action.kindCode !== action.kindCode || !areEqual(proposal.action.bytes, action.bytes)) {
    return refuse('wrong-action', `the proposal is for another action than ${toHex(action.bytes)}`)
  }
  const approvals = countingVotes(view, proposal).filter(({ isApproval }) => isApproval).length
  const all = authoritiesOf(view).length
  if (approvals * 3 > all * 2) return undefined
  return refuse('not-passed', `${approvals} of ${all} authorities approve, and more than two thirds have to`)
}

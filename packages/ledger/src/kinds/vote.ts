import { areEqual, toHex, compareBytes } from '../bytes.ts'
import { HASH_BYTES } from '../constants.ts'
import { refuse } from '../refusal.ts'
import { authorities, authorityList } from '../state/authorities.ts'
import { ANSWERS, proposals } from '../state/proposals.ts'
import type { Kind } from '../transactions/kind.ts'
import { authorityAt, isRefusal } from './checks.ts'
import { countingVotes, openProposal, type ProposalRef } from './decisions.ts'

/** What an authority says to a proposal, once. */
export interface VoteBody extends ProposalRef {
  isApproval: boolean
}

export const vote: Kind<VoteBody> = {
  name: 'vote',
  code: 6,
  family: 'governance',
  isForAuthorities: true,
  isNumbered: true,
  codec: {
    write({ proposer, proposal, isApproval }, writer) {
      writer
        .fixed(proposer, HASH_BYTES)
        .fixed(proposal, HASH_BYTES)
        .choice(isApproval ? 'yes' : 'no', ANSWERS)
    },
    read: (reader) => ({
      proposer: reader.fixed(HASH_BYTES),
      proposal: reader.fixed(HASH_BYTES),
      isApproval: reader.choice(ANSWERS) === 'yes',
    }),
  },
  reads: ({ body, address }) => [authorities.key(address), authorityList.key(), proposals.key(body.proposer)],
  check({ body, address }, view, { height }) {
    const authority = authorityAt(view, address)
    if (isRefusal(authority)) return authority
    const open = openProposal(view, body, height)
    if ('code' in open) return open
    if (!open.votes.some(({ voter }) => areEqual(voter, address))) return undefined
    return refuse('already-voted', `${toHex(address)} has voted on it`)
  },
  apply({ body, address }, state) {
    const open = proposals.get(state, body.proposer)
    if (open === undefined) return
    // Without those who are no authorities any more, so that there are never more than there may be authorities.
    const votes = [...countingVotes(state, open), { voter: address, isApproval: body.isApproval }]
    proposals.put(state, body.proposer, { ...open, votes: votes.toSorted((a, b) => compareBytes(a.voter, b.voter)) })
  },
}

import { toHex } from '../bytes.ts'
import { HASH_BYTES } from '../constants.ts'
import { refuse } from '../refusal.ts'
import { authorities, authoritiesOf, authorityList, removeAuthority } from '../state/authorities.ts'
import { type Action, proposals } from '../state/proposals.ts'
import type { Kind } from '../transactions/kind.ts'
import { authorityAt, isRefusal } from './checks.ts'
import { checkDecided, type ProposalRef } from './decisions.ts'

/** Carries out a proposal that passed: there is one authority less. */
export interface AuthorityRevokeBody extends ProposalRef {
  /** Address of the authority that is one no longer. */
  revoked: Uint8Array
}

const CODE = 8

/** What to propose in order to revoke the authority at address `revoked`. */
export function revokeAction(revoked: Uint8Array): Action {
  return { kindCode: CODE, bytes: revoked }
}

export const authorityRevoke: Kind<AuthorityRevokeBody> = {
  name: 'authority-revoke',
  code: CODE,
  family: 'governance',
  isForAuthorities: true,
  isNumbered: true,
  codec: {
    write({ proposer, proposal, revoked }, writer) {
      writer.fixed(proposer, HASH_BYTES).fixed(proposal, HASH_BYTES).fixed(revoked, HASH_BYTES)
    },
    read: (reader) => ({
      proposer: reader.fixed(HASH_BYTES),
      proposal: reader.fixed(HASH_BYTES),
      revoked: reader.fixed(HASH_BYTES),
    }),
  },
  reads: ({ body, address }) => [
    authorities.key(address),
    authorities.key(body.revoked),
    authorityList.key(),
    proposals.key(body.proposer),
    proposals.key(body.revoked),
  ],
  check({ body, address }, view, { height }) {
    const sender = authorityAt(view, address)
    if (isRefusal(sender)) return sender
    if (!authorities.has(view, body.revoked)) {
      return refuse('unknown-authority', `${toHex(body.revoked)} is no authority`)
    }
    if (authoritiesOf(view).length === 1) return refuse('last-authority', 'a chain without authorities is at its end')
    return checkDecided(view, body, revokeAction(body.revoked), height)
  },
  apply({ body }, state) {
    removeAuthority(state, body.revoked)
    proposals.delete(state, body.proposer)
    proposals.delete(state, body.revoked)
  },
}

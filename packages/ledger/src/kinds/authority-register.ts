import { toHex } from '../bytes.ts'
import { encode } from '../codec/codec.ts'
import { HASH_BYTES, MAX_AUTHORITIES } from '../constants.ts'
import { addressOf } from '../crypto/sha256.ts'
import { refuse } from '../refusal.ts'
import {
  addAuthority,
  authorities,
  authoritiesOf,
  type Authority,
  authorityCodec,
  authorityList,
} from '../state/authorities.ts'
import { type Action, proposals } from '../state/proposals.ts'
import type { Kind } from '../transactions/kind.ts'
import { authorityAt, isRefusal } from './checks.ts'
import { checkDecided, type ProposalRef } from './decisions.ts'

/** Carries out a proposal that passed: there is one authority more. */
export interface AuthorityRegisterBody extends ProposalRef {
  authority: Authority
}

const CODE = 7

/** What to propose in order to register `authority`. */
export function registerAction(authority: Authority): Action {
  return { kindCode: CODE, bytes: encode(authorityCodec, authority) }
}

export const authorityRegister: Kind<AuthorityRegisterBody> = {
  name: 'authority-register',
  code: CODE,
  family: 'governance',
  isForAuthorities: true,
  isNumbered: true,
  codec: {
    write({ proposer, proposal, authority }, writer) {
      writer.fixed(proposer, HASH_BYTES).fixed(proposal, HASH_BYTES)
      authorityCodec.write(authority, writer)
    },
    read: (reader) => ({
      proposer: reader.fixed(HASH_BYTES),
      proposal: reader.fixed(HASH_BYTES),
      authority: authorityCodec.read(reader),
    }),
  },
  reads: ({ body, address }) => [
    authorities.key(address),
    authorityList.key(),
    proposals.key(body.proposer),
    authorities.key(addressOf(body.authority.publicKey)),
  ],
  check({ body, address }, view, { height }) {
    const sender = authorityAt(view, address)
    if (isRefusal(sender)) return sender
    const added = addressOf(body.authority.publicKey)
    if (authorities.has(view, added)) return refuse('already-authority', `${toHex(added)} is an authority already`)
    if (authoritiesOf(view).length >= MAX_AUTHORITIES) {
      return refuse('too-many-authorities', `there are ${MAX_AUTHORITIES} authorities, the most there may be`)
    }
    return checkDecided(view, body, registerAction(body.authority), height)
  },
  apply({ body }, state) {
    addAuthority(state, body.authority)
    proposals.delete(state, body.proposer)
  },
}

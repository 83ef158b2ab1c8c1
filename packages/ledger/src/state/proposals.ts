import { compareBytes } from '../bytes.ts'
import { HASH_BYTES, MAX_ACTION_BYTES, MAX_AUTHORITIES } from '../constants.ts'
import type { Codec } from '../codec/codec.ts'
import { asIs, Table } from './table.ts'

/** What a proposal is to bring about: the part of a transaction that authorities decide on. */
export interface Action {
  /** Number of the kind that carries it out; 0 for none, where only an opinion is asked for. */
  kindCode: number
  bytes: Uint8Array
}

/** What one authority said to a proposal. */
export interface CastVote {
  /** Its address. */
  voter: Uint8Array
  isApproval: boolean
}

/** A proposal that is open. */
export interface Proposal {
  /** Id of the transaction that made it. */
  id: Uint8Array
  action: Action
  /** The last block in which it may be voted on and carried out. */
  closesAtHeight: number
  /** By voter, ascending. */
  votes: readonly CastVote[]
}

export const ANSWERS = ['no', 'yes'] as const

export const actionCodec: Codec<Action> = {
  write: ({ kindCode, bytes }, writer) => void writer.u8(kindCode).sized(bytes),
  read: (reader) => ({ kindCode: reader.u8(), bytes: reader.sized(MAX_ACTION_BYTES) }),
}

const voteCodec: Codec<CastVote> = {
  write: ({ voter, isApproval }, writer) =>
    void writer.fixed(voter, HASH_BYTES).choice(isApproval ? 'yes' : 'no', ANSWERS),
  read: (reader) => ({ voter: reader.fixed(HASH_BYTES), isApproval: reader.choice(ANSWERS) === 'yes' }),
}

/** By the address of who made it: an authority has one open proposal, and a new one takes its place. */
export const proposals = new Table<Uint8Array, Proposal>('p', 'proposal', asIs, {
  write({ id, action, closesAtHeight, votes }, writer) {
    writer.fixed(id, HASH_BYTES).integer(closesAtHeight)
    actionCodec.write(action, writer)
    writer.list(votes, (vote) => voteCodec.write(vote, writer))
  },
  read(reader) {
    const [id, closesAtHeight, action] = [reader.fixed(HASH_BYTES), reader.integer(), actionCodec.read(reader)]
    const votes = reader.ascending(
      0,
      MAX_AUTHORITIES,
      () => voteCodec.read(reader),
      (a, b) => compareBytes(a.voter, b.voter),
    )
    return { id, closesAtHeight, action, votes }
  },
})

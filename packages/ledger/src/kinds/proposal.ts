import { MAX_TEXT_BYTES } from '../constants.ts'
import { refuse } from '../refusal.ts'
import { authorities } from '../state/authorities.ts'
import { type Action, actionCodec, proposals } from '../state/proposals.ts'
import type { Kind } from '../transactions/kind.ts'
import { authorityAt, isRefusal } from './checks.ts'

/** What an authority wants decided. It takes the place of its proposal before, whatever became of that. */
export interface ProposalBody {
  /** For those who vote; the state does not keep it. */
  text: string
  action: Action
  /** The last block in which it may be voted on and carried out. */
  closesAtHeight: number
}

export const proposal: Kind<ProposalBody> = {
  name: 'proposal',
  code: 5,
  family: 'governance',
  isForAuthorities: true,
  isNumbered: true,
  codec: {
    write({ text, action, closesAtHeight }, writer) {
      writer.text(text).integer(closesAtHeight)
      actionCodec.write(action, writer)
    },
    read: (reader) => ({
      text: reader.text(MAX_TEXT_BYTES),
      closesAtHeight: reader.integer(),
      action: actionCodec.read(reader),
    }),
  },
  reads: ({ address }) => [authorities.key(address), proposals.key(address)],
  check({ body: { closesAtHeight }, address }, view, { height }) {
    const authority = authorityAt(view, address)
    if (isRefusal(authority)) return authority
    if (closesAtHeight > height) return undefined
    return refuse('proposal-closed', `it closes at ${closesAtHeight}, and this is block ${height}`)
  },
  apply({ body: { action, closesAtHeight }, address, id }, state) {
    proposals.put(state, address, { id, action, closesAtHeight, votes: [] })
  },
}

import { authorities } from '../state/authorities.ts'
import { type GridState, gridSequenceOf, gridState, gridStateCodec } from '../state/grid-states.ts'
import type { Kind } from '../transactions/kind.ts'
import { authorityAt, checkSequence, isRefusal } from './checks.ts'

/** What an authority says of the grid. It is its sequence number that keeps it from being applied twice. */
export const gridStateUpdate: Kind<GridState> = {
  name: 'grid-state',
  code: 4,
  family: 'authority',
  isForAuthorities: true,
  isNumbered: false,
  codec: gridStateCodec,
  reads: ({ address }) => [authorities.key(address), gridState.key()],
  check({ body: { sequence }, address }, view) {
    const authority = authorityAt(view, address)
    if (isRefusal(authority)) return authority
    return checkSequence('the grid state', sequence, gridSequenceOf(view))
  },
  apply({ body }, state) {
    gridState.put(state, undefined, body)
  },
}

import { MAX_GRID_STATE_BYTES } from '../constants.ts'
import type { Codec } from '../codec/codec.ts'
import type { StateView } from './state-view.ts'
import { single } from './table.ts'

/** What an authority says of the grid. */
export interface GridState {
  /** 1 or more; each is higher than the one before. */
  sequence: number
  timeMs: number
  /** Lines and loads, in a form that is not the ledger's business. */
  payload: Uint8Array
}

export const gridStateCodec: Codec<GridState> = {
  write: ({ sequence, timeMs, payload }, writer) => void writer.integer(sequence).integer(timeMs).sized(payload),
  read: (reader) => ({
    sequence: reader.integer(1),
    timeMs: reader.integer(),
    payload: reader.sized(MAX_GRID_STATE_BYTES),
  }),
}

/** The newest. */
export const gridState = single<GridState>('g', 'grid state', gridStateCodec)

/** The sequence number of the newest grid state; 0 before the first. */
export function gridSequenceOf(view: StateView): number {
  return gridState.get(view)?.sequence ?? 0
}

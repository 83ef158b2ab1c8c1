import type { StateView } from './state-view.ts'
import { asIs, Table } from './table.ts'

/** By address: the nonce that its next numbered transaction has to have. */
export const nonces = new Table<Uint8Array, number>('n', 'nonce', asIs, {
  write: (nonce, writer) => void writer.integer(nonce),
  read: (reader) => reader.integer(),
})

/** The nonce that the next numbered transaction of `address` has to have. */
export function nextNonce(view: StateView, address: Uint8Array): number {
  return nonces.get(view, address) ?? 0
}

import { PUBLIC_KEY_BYTES } from '../constants.ts'
import { asIs, Table } from './table.ts'

/** One who may propose blocks without being an authority. */
export interface Validator {
  publicKey: Uint8Array
  stake: number
}

/** By address. */
export const validators = new Table<Uint8Array, Validator>('v', 'validator', asIs, {
  write: ({ publicKey, stake }, writer) => void writer.fixed(publicKey, PUBLIC_KEY_BYTES).integer(stake),
  read: (reader) => ({ publicKey: reader.fixed(PUBLIC_KEY_BYTES), stake: reader.integer() }),
})

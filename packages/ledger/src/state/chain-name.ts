import { MAX_NAME_BYTES } from '../constants.ts'
import { single } from './table.ts'

/** The name of the chain: in the state, so that chains of other names have other ids. */
export const chainName = single<string>('c', 'name of the chain', {
  write: (name, writer) => void writer.text(name),
  read: (reader) => reader.text(MAX_NAME_BYTES),
})

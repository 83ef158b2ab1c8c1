import { HASH_BYTES, MAX_NAME_BYTES } from '../constants.ts'
import { Table } from './table.ts'

/** A meter of the chain, and the energy it counted. */
export interface Meter {
  zone: number
  /** Address that its production is minted for and its consumption burned from. */
  owner: Uint8Array
  /** Of its newest reading; 0 before the first. */
  sequence: number
  producedWh: number
  consumedWh: number
}

/** By name. */
export const meters = new Table<string, Meter>('m', 'meter', (name) => Buffer.from(name, 'utf8'), {
  write({ zone, owner, sequence, producedWh, consumedWh }, writer) {
    writer.u16(zone).fixed(owner, HASH_BYTES).integer(sequence).integer(producedWh).integer(consumedWh)
  },
  read: (reader) => ({
    zone: reader.u16(),
    owner: reader.fixed(HASH_BYTES),
    sequence: reader.integer(),
    producedWh: reader.integer(),
    consumedWh: reader.integer(),
  }),
})

/** A zone of the chain, and the energy that its meters counted. */
export interface Zone {
  name: string
  producedWh: number
  consumedWh: number
}

/** By number. */
export const zones = new Table<number, Zone>('z', 'zone', (zone) => Uint8Array.of(zone >>> 8, zone & 0xff), {
  write: ({ name, producedWh, consumedWh }, writer) => void writer.text(name).integer(producedWh).integer(consumedWh),
  read: (reader) => ({
    name: reader.text(MAX_NAME_BYTES),
    producedWh: reader.integer(),
    consumedWh: reader.integer(),
  }),
})

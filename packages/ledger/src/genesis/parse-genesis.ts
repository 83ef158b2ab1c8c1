import { parse } from 'yaml'
import { toHex } from '../bytes.ts'
import {
  HASH_BYTES,
  MAX_AUTHORITIES,
  MAX_GENESIS_CHARACTERS,
  MAX_NAME_BYTES,
  MAX_ZONES_OF_AUTHORITY,
  PUBLIC_KEY_BYTES,
} from '../constants.ts'
import { GenesisError } from '../errors.ts'
import { sumOf } from '../state/amounts.ts'
import type { Authority } from '../state/authorities.ts'
import type { Meter } from '../state/meters.ts'
import type { Output } from '../state/outputs.ts'
import type { Validator } from '../state/validators.ts'
import { Fields, join } from './fields.ts'

/** What a chain begins with. */
export interface Genesis {
  name: string
  timeMs: number
  zones: { zone: number; name: string }[]
  authorities: Authority[]
  validators: Validator[]
  meters: (Pick<Meter, 'zone' | 'owner'> & { name: string })[]
  /** Money that is there from the start. */
  tender: Omit<Output, 'asset'>[]
}

const MAX_ZONE = 0xff_ff
const MAX_ROWS = 65_536

/**
 * Reads a genesis from a text in YAML: `name`, `time`, `zones`, `authorities`, and where there are any `validators`,
 * `meters` and `tender`.
 *
 * @throws {GenesisError} naming the path, the value and the rule of all that is wrong
 */
export function parseGenesis(text: string): Genesis {
  return readGenesis(parseYaml(text))
}

/**
 * Reads a genesis from what its text would be parsed to, every scalar a text: for whoever has it within a file of its own.
 *
 * @throws {GenesisError} as `parseGenesis`
 */
export function readGenesis(root: unknown): Genesis {
  const fields = new Fields()
  fields.object(root, '', ['name', 'time', 'zones', 'authorities', 'validators', 'meters', 'tender'])
  const genesis = readFields(fields, root)
  fields.end()
  checkGenesis(fields, genesis)
  fields.end()
  return genesis
}

function parseYaml(text: string): unknown {
  if (text.length > MAX_GENESIS_CHARACTERS) {
    throw new GenesisError([
      { path: '', value: `${text.length} characters`, rule: `at most ${MAX_GENESIS_CHARACTERS} characters` },
    ])
  }
  try {
    // Every scalar a text: else a key such as 12e4… would be read as a number.
    return parse(text, { schema: 'failsafe', logLevel: 'error', maxAliasCount: 0 })
  } catch (cause) {
    const value = cause instanceof Error ? cause.message : String(cause)
    throw new GenesisError([{ path: '', value, rule: 'YAML without aliases' }], { cause })
  }
}

function readFields(fields: Fields, root: unknown): Genesis {
  const rows = <T>(name: string, min: number, max: number, names: string[], read: (at: At) => T): T[] =>
    fields.list(fields.get(root, name), name, [min, max], (item, path) => {
      fields.object(item, path, names)
      return read(new At(fields, item, path))
    })
  const top = new At(fields, root, '')
  return {
    name: top.text('name'),
    timeMs: fields.timeMs(fields.get(root, 'time'), 'time'),
    zones: rows('zones', 1, MAX_ZONE + 1, ['zone', 'name'], (at) => ({ zone: at.zone(), name: at.text('name') })),
    authorities: rows('authorities', 1, MAX_AUTHORITIES, ['publicKey', 'zones'], (at) => ({
      publicKey: at.bytes('publicKey', PUBLIC_KEY_BYTES),
      zones: at.zones().toSorted((a, b) => a - b),
    })),
    validators: rows('validators', 0, MAX_ROWS, ['publicKey', 'stake'], (at) => ({
      publicKey: at.bytes('publicKey', PUBLIC_KEY_BYTES),
      stake: at.amount('stake'),
    })),
    meters: rows('meters', 0, MAX_ROWS, ['name', 'zone', 'owner'], (at) => ({
      name: at.text('name'),
      zone: at.zone(),
      owner: at.bytes('owner', HASH_BYTES),
    })),
    tender: rows('tender', 0, MAX_ROWS, ['amount', 'zone', 'owner'], (at) => ({
      amount: at.amount('amount'),
      zone: at.zone(),
      owner: at.bytes('owner', HASH_BYTES),
    })),
  }
}

/** Rules over several rows. */
function checkGenesis(fields: Fields, { zones, authorities, validators, meters, tender }: Genesis): void {
  fields.unique(zones, 'zones', ({ zone }) => String(zone))
  fields.unique(authorities, 'authorities', ({ publicKey }) => toHex(publicKey))
  fields.unique(validators, 'validators', ({ publicKey }) => toHex(publicKey))
  fields.unique(meters, 'meters', ({ name }) => name)
  const known = new Set(zones.map(({ zone }) => zone))
  const checkZone = (zone: number, path: string): void => {
    if (!known.has(zone)) fields.fault(path, zone, 'one of zones')
  }
  for (const [i, authority] of authorities.entries()) {
    fields.unique(authority.zones, `authorities[${i}].zones`, String)
    for (const [j, zone] of authority.zones.entries()) checkZone(zone, `authorities[${i}].zones[${j}]`)
  }
  for (const [i, { zone }] of meters.entries()) checkZone(zone, `meters[${i}].zone`)
  for (const [i, { zone }] of tender.entries()) checkZone(zone, `tender[${i}].zone`)
  if (sumOf(tender) === Infinity) fields.fault('tender', 'more', 'at most 2^53 - 1 in all')
}

/** The fields of one row. */
class At {
  readonly #fields: Fields
  readonly #row: unknown
  readonly #path: string

  constructor(fields: Fields, row: unknown, path: string) {
    this.#fields = fields
    this.#row = row
    this.#path = path
  }

  text(name: string): string {
    return this.#fields.text(this.#fields.get(this.#row, name), join(this.#path, name), MAX_NAME_BYTES)
  }

  bytes(name: string, length: number): Uint8Array {
    return this.#fields.bytes(this.#fields.get(this.#row, name), join(this.#path, name), length)
  }

  amount(name: string): number {
    const value = this.#fields.get(this.#row, name)
    return this.#fields.integer(value, join(this.#path, name), 1, Number.MAX_SAFE_INTEGER)
  }

  zone(): number {
    return this.#fields.integer(this.#fields.get(this.#row, 'zone'), join(this.#path, 'zone'), 0, MAX_ZONE)
  }

  zones(): number[] {
    const value = this.#fields.get(this.#row, 'zones')
    const path = join(this.#path, 'zones')
    return this.#fields.list(value, path, [0, MAX_ZONES_OF_AUTHORITY], (zone, at) =>
      this.#fields.integer(zone, at, 0, MAX_ZONE),
    )
  }
}

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Genesis as LedgerGenesis, MAX_GENESIS_CHARACTERS } from '@gridmesh/ledger'
import { parse } from 'yaml'
import { z } from 'zod'
import { UnusableFileError, fileProblem } from './errors.ts'
import { ledgerGenesis } from './ledger-genesis.ts'
import { peerId } from './peer-id.ts'

/** Characters of a wrong value that are shown. */
const MAX_SHOWN = 80

const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected lower-case letters, digits and dashes, 32 at most')
const list = <T extends z.ZodType>(item: T, keyOf: (item: z.output<T>) => string) =>
  z
    .array(item)
    .min(1)
    .max(256)
    .superRefine((items, context) => {
      const keys = items.map(keyOf)
      for (const [i, key] of keys.entries()) {
        if (keys.indexOf(key) < i) context.addIssue({ code: 'custom', path: [i], message: 'expected it only once' })
      }
    })

const genesisSchema = z.strictObject({
  chainId: name,
  zones: list(name, (zone) => zone),
  authorities: list(
    z.strictObject({ name: z.string().min(1).max(64), peerId, zones: z.array(name).optional() }),
    (authority) => authority.peerId,
  ),
  // What only a chain has is for the ledger to judge.
  time: z.string().optional(),
  meters: z.array(z.strictObject({ name: z.string(), zone: name, owner: z.string() })).optional(),
  tender: z.array(z.strictObject({ amount: z.string(), zone: name, owner: z.string() })).optional(),
})

/** What a genesis file says, every scalar a text. */
export type GenesisFile = z.output<typeof genesisSchema>

/** What all nodes of a network agree on before the first message. */
export interface Genesis {
  readonly chainId: string
  /** sha256 of the file's bytes, hex: two nodes with different files refuse each other. */
  readonly hash: string
  /** Names, in the order of the file: the number of a zone is its place. */
  readonly zones: ReadonlySet<string>
  /** Names by peer id string. */
  readonly authorities: ReadonlyMap<string, string>
  /** What the chain begins with; `undefined` where the file names no `time`: the network has no chain then. */
  readonly ledger: LedgerGenesis | undefined
}

/** Reads a genesis file's text. @throws {UnusableFileError} naming path, value and rule of each fault */
export function parseGenesis(text: string, path: string): Genesis {
  const file = readText(text, path)
  const { chainId, zones, authorities } = file
  return {
    chainId,
    hash: createHash('sha256').update(text).digest('hex'),
    zones: new Set(zones),
    authorities: new Map(authorities.map((authority) => [authority.peerId, authority.name])),
    ledger: ledgerGenesis(file, path),
  }
}

/** Reads a genesis file. @throws {UnusableFileError} when it cannot be read or is not valid */
export async function readGenesis(path: string): Promise<Genesis> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw fileProblem('genesis file', path, cause)
  }
  return parseGenesis(text, path)
}

function readText(text: string, path: string): GenesisFile {
  if (text.length > MAX_GENESIS_CHARACTERS) {
    const why = `it has ${text.length} characters, where ${MAX_GENESIS_CHARACTERS} are the most`
    throw new UnusableFileError('genesis file', path, why)
  }
  let raw: unknown
  try {
    // Every scalar a text: else an address such as 12e4… would be read as a number.
    raw = parse(text, { schema: 'failsafe', maxAliasCount: 0 })
  } catch (cause) {
    throw new UnusableFileError('genesis file', path, cause instanceof Error ? cause.message : String(cause), { cause })
  }
  const parsed = genesisSchema.safeParse(raw)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.flatMap((issue) => {
    const { path: keys, message } = issue
    if (issue.code !== 'unrecognized_keys') return `${placeOf(keys)} is ${show(valueAt(raw, keys))}: ${message}`
    return issue.keys.map(
      (key) => `${placeOf([...keys, key])} is ${show(valueAt(raw, [...keys, key]))}: expected no such key`,
    )
  })
  throw new UnusableFileError('genesis file', path, faults.join('; '))
}

/** A path as people write it: `authorities[1].peerId`. */
function placeOf(keys: readonly PropertyKey[]): string {
  const text = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return text.replace(/^\./, '') || 'file'
}

function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  )
}

function show(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

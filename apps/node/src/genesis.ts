import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { UnusableFileError, fileProblem } from './errors.ts'
import { peerId } from './peer-id.ts'

const genesisSchema = z.strictObject({
  chainId: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected lower-case letters, digits and dashes'),
  zones: z
    .array(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/))
    .min(1)
    .max(256),
  authorities: z
    .array(z.strictObject({ name: z.string().min(1).max(64), peerId }))
    .min(1)
    .max(256),
})

/** What all nodes of a network agree on before the first message. */
export interface Genesis {
  readonly chainId: string
  /** sha256 of the file's bytes, hex: two nodes with different files refuse each other. */
  readonly hash: string
  readonly zones: ReadonlySet<string>
  /** Names by peer id string. */
  readonly authorities: ReadonlyMap<string, string>
}

/** Reads a genesis file's text. @throws {UnusableFileError} naming the path of each fault */
export function parseGenesis(text: string, path: string): Genesis {
  let raw: unknown
  try {
    raw = parse(text, { maxAliasCount: 0 })
  } catch (cause) {
    throw new UnusableFileError('genesis file', path, cause instanceof Error ? cause.message : String(cause), { cause })
  }
  const parsed = genesisSchema.safeParse(raw)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`)
    throw new UnusableFileError('genesis file', path, faults.join('; '))
  }
  const { chainId, zones, authorities } = parsed.data
  return {
    chainId,
    hash: createHash('sha256').update(text).digest('hex'),
    zones: new Set(zones),
    authorities: new Map(authorities.map((authority) => [authority.peerId, authority.name])),
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

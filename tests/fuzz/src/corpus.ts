import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../corpus/', import.meta.url))
const NAME_CHARACTERS = 16

/** Bytes of one target's corpus on disk; further inputs are not kept. */
export const MAX_CORPUS_BYTES = 8_192

/** The inputs that are kept for a target. */
export function loadCorpus(target: string): Uint8Array[] {
  const folder = join(FOLDER, target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .toSorted()
    .map((name) => Uint8Array.from(readFileSync(join(folder, name))))
}

/** Keeps an input by its hash. What was found stays, however much there is. */
export function keep(target: string, bytes: Uint8Array, isFinding = false): string | undefined {
  const folder = join(FOLDER, target)
  const held = loadCorpus(target).reduce((sum, { byteLength }) => sum + byteLength, 0)
  if (!isFinding && held + bytes.byteLength > MAX_CORPUS_BYTES) return undefined
  mkdirSync(folder, { recursive: true })
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, NAME_CHARACTERS)
  const path = join(folder, `${isFinding ? 'found-' : ''}${hash}`)
  writeFileSync(path, bytes)
  return path
}

/** Names of the targets that have a corpus. */
export function corpusNames(): string[] {
  return existsSync(FOLDER) ? readdirSync(FOLDER).toSorted() : []
}

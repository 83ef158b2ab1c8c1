import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

/** The root of the workspace. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Where a law is proved. */
export interface Proof {
  /** The test file, below the root. */
  file: string
  /** Title of the test, as it is written there. */
  test: string
}

const PROOF = /`([^`]+\.test\.ts)`: "([^"]+)"/g

/** Every proof that the map of the laws names. */
export function proofs(): Proof[] {
  const page = readFileSync(join(ROOT, 'docs', 'laws.md'), 'utf8')
  return [...page.matchAll(PROOF)].map(([, file = '', test = '']) => ({ file, test }))
}

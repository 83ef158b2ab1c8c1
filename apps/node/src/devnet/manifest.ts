import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { UnusableFileError, fileProblem } from '../errors.ts'

const manifest = z.object({
  profile: z.string(),
  nodes: z.array(
    z.object({
      name: z.string(),
      role: z.string(),
      region: z.string(),
      peerId: z.string(),
      url: z.string().describe('Base URL of the HTTP API'),
      multiaddr: z.string(),
      config: z.string().describe('Path of the configuration file'),
      pid: z.int(),
    }),
  ),
})

/** What `devnet.json` says of a running devnet. */
export type Manifest = z.infer<typeof manifest>

/** Where the manifest of a devnet lies. */
export function manifestPath(data: string): string {
  return join(data, 'devnet.json')
}

/** @throws {UnusableFileError} */
export async function writeManifest(data: string, content: Manifest): Promise<void> {
  const path = manifestPath(data)
  try {
    await writeFile(path, `${JSON.stringify(manifest.parse(content), null, 2)}\n`)
  } catch (cause) {
    throw fileProblem('devnet manifest', path, cause)
  }
}

/** @throws {UnusableFileError} when there is none, or it cannot be read */
export function readManifest(data: string): Manifest {
  const path = manifestPath(data)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw fileProblem('devnet manifest', path, cause)
  }
  try {
    return manifest.parse(JSON.parse(text))
  } catch (cause) {
    throw new UnusableFileError('devnet manifest', path, 'it was not written by "gridmesh devnet"', { cause })
  }
}

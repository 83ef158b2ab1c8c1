import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../../apps/node/dist/main.js', import.meta.url))

/** What a command did. */
export interface CommandResult {
  code: number | null
  stdout: string
  stderr: string
}

/** Starts `gridmesh` as a process of its own. */
export function spawnGridmesh(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs `gridmesh` to its end. */
export async function runGridmesh(args: readonly string[], options: { cwd?: string } = {}): Promise<CommandResult> {
  const child = spawnGridmesh(args, options)
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: stdout(), stderr: stderr() }
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.on('data', (chunk) => (text += String(chunk)))
  return () => text
}

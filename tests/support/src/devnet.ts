import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnGridmesh } from './command.ts'
import { freePorts } from './ports.ts'

/** A node of a running devnet, as it announces itself. */
export interface AnnouncedNode {
  name: string
  role: string
  peerId: string
  url: string
  config: string
  pid: number
}

/** A devnet of real processes, as `gridmesh devnet` starts it. */
export interface RunningDevnet {
  nodes: AnnouncedNode[]
  child: ChildProcess
  data: string
  /** Sends a signal to the devnet as Ctrl-C would. Resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Variables by which nodes shed no load: the machine may be busy with others, and what is shed is lost. */
const CALM = { GRIDMESH_HEALTH_BUSY_DELAY_MS: '10000', GRIDMESH_HEALTH_OVERLOADED_DELAY_MS: '10000' }

/**
 * Starts a devnet on free ports, in a folder of its own that `stop` removes. Resolves when it says it is ready. Its nodes
 * shed no load, unless other variables are given.
 */
export async function startDevnet(
  nodes: number,
  args: readonly string[] = [],
  variables: Readonly<Record<string, string>> = CALM,
): Promise<RunningDevnet> {
  const data = mkdtempSync(join(tmpdir(), 'gridmesh-devnet-'))
  const base = await freePorts(nodes * 2)
  const ports = ['--base-http', `${base}`, '--base-p2p', `${base + nodes}`]
  const command = ['devnet', '--nodes', `${nodes}`, '--data', data, '--json', ...ports, ...args]
  const child = spawnGridmesh(command, { env: { ...process.env, ...variables } })
  const exited = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
  return {
    nodes: await announced(child),
    child,
    data,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      const code = await exited
      // The nodes of a devnet that was killed write there until they have ended too.
      rmSync(data, { recursive: true, force: true, maxRetries: 20 })
      return code
    },
  }
}

async function announced(child: ChildProcess): Promise<AnnouncedNode[]> {
  let errors = ''
  child.stderr?.on('data', (chunk) => (errors += String(chunk)))
  let text = ''
  for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(chunk)
    try {
      return (JSON.parse(text) as { nodes: AnnouncedNode[] }).nodes
    } catch {
      // Not whole yet.
    }
  }
  throw new Error(`the devnet ended before it was ready: ${errors}`)
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PreparedNode } from './files.ts'

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))
/** What tells the nodes of a devnet apart, or joins them, as the file of each says. A variable is above that, and the same for all. */
const OF_EACH_NODE: ReadonlySet<string> = new Set(
  ['NAME', 'ROLE', 'REGION', 'DATA_DIR', 'GENESIS', 'P2P_HOST', 'P2P_PORT', 'P2P_BOOTSTRAP', 'HTTP_HOST', 'HTTP_PORT']
    .concat(['DISCOVERY_STRATEGIES', 'DISCOVERY_STATIC_PEERS', 'POOL_EXEMPT_LOOPBACK'])
    .map((name) => `GRIDMESH_${name}`),
)

/** Why a node of a devnet did not get ready. */
export class NodeFailedError extends Error {
  static override readonly name = 'NodeFailedError'
  override readonly name = 'NodeFailedError'
  readonly code = 'node-failed'
  readonly exitCode: number | null

  constructor(name: string, exitCode: number | null, logPath: string, said: string) {
    super(`${name} ended with exit code ${exitCode} before it was ready${said && `: ${said}`}; its log is ${logPath}`)
    this.exitCode = exitCode
  }
}

/** A node of a devnet takes longer to start than it may. */
export class NodeNotReadyError extends Error {
  static override readonly name = 'NodeNotReadyError'
  override readonly name = 'NodeNotReadyError'
  readonly code = 'node-not-ready'

  constructor(name: string, deadlineMs: number, logPath: string, said: string) {
    super(`${name} does not answer after ${deadlineMs / 1_000} s${said && `: ${said}`}; its log is ${logPath}`)
  }
}

/** The environment of a node of a devnet: without the variables of what each node has of its own. */
export function envOfNode(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !OF_EACH_NODE.has(name)))
}

/** One node of a devnet, in a process of its own. */
export class NodeProcess {
  readonly node: PreparedNode
  readonly #child: ChildProcess
  readonly #logPath: string
  /** Resolves with the exit code, `null` after a signal. */
  readonly exited: Promise<number | null>
  #said = ''

  private constructor(node: PreparedNode, child: ChildProcess, logPath: string) {
    this.node = node
    this.#child = child
    this.#logPath = logPath
    this.exited = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-2_000)
    })
  }

  /** Starts the node. Its log goes to `node.log` in its directory. */
  static async spawn(node: PreparedNode, profile: string): Promise<NodeProcess> {
    const logPath = join(node.directory, 'node.log')
    await using log = await open(logPath, 'a', 0o600)
    const child = spawn(process.execPath, [MAIN, 'start', '--profile', profile, '--config', node.config], {
      // A process group of its own: Ctrl-C in the terminal is for the devnet, which then stops the nodes in order.
      detached: true,
      env: envOfNode(process.env),
      // The channel tells us that the node is ready, and the node that we are gone, however we went.
      stdio: ['ignore', log.fd, 'pipe', 'ipc'],
    })
    await once(child, 'spawn')
    return new NodeProcess(node, child, logPath)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /**
   * Resolves when the node answers.
   * @throws {NodeFailedError} when it ended instead @throws {NodeNotReadyError} when `deadlineMs` are over
   */
  async whenReady(signal: AbortSignal, deadlineMs: number): Promise<void> {
    const overdue = AbortSignal.timeout(deadlineMs)
    const ready = once(this.#child, 'message', { signal: AbortSignal.any([signal, overdue]) })
    const ended = this.exited.then((code) => {
      throw new NodeFailedError(this.node.name, code, this.#logPath, this.#said.trim())
    })
    try {
      await Promise.race([ready, ended])
    } catch (err) {
      const isLate = overdue.aborted && !signal.aborted && this.isRunning
      throw isLate ? new NodeNotReadyError(this.node.name, deadlineMs, this.#logPath, this.#said.trim()) : err
    }
  }

  /** Stops the node: asks it to, and after `graceMs` ends it. Resolves with the exit code. */
  async stop(graceMs: number): Promise<number | null> {
    if (!this.isRunning) return this.exited
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs)
    try {
      return await this.exited
    } finally {
      clearTimeout(timer)
    }
  }
}

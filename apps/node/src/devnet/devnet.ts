import { rm } from 'node:fs/promises'
import { NodeClient } from '../cli/client.ts'
import { UnusableFileError, fileProblem } from '../errors.ts'
import { makeDirectory } from '../make-directory.ts'
import { nodeInfo } from '../http/schemas.ts'
import { type PreparedNode, prepareFiles } from './files.ts'
import { manifestPath, writeManifest } from './manifest.ts'
import { planDevnet } from './plan.ts'
import { checkPorts } from './ports.ts'
import { NodeProcess } from './process.ts'
import { runningNodes } from './running.ts'

const DEFAULT_READY_DEADLINE_MS = 60_000
/** Time a node has to stop before it is ended, in ms. */
const STOP_GRACE_MS = 4_000
/** Time between two looks at how many peers a node has, in ms. */
const POLL_INTERVAL_MS = 100

/** How a devnet is to be. */
export interface DevnetInit {
  nodes: number
  profile: string
  /** Directory of everything the devnet writes. */
  data: string
  /** HTTP port of the first node; the others follow. */
  baseHttp: number
  /** P2P port of the first node; the others follow. */
  baseP2p: number
  /** Time the nodes have to answer, and then to find each other, in ms. @default 60_000 */
  readyDeadlineMs?: number
}

/** The nodes did not all find each other in time. */
export class NotConnectedError extends Error {
  static override readonly name = 'NotConnectedError'
  override readonly name = 'NotConnectedError'
  readonly code = 'not-connected'

  constructor(name: string, have: number, want: number, deadlineMs: number) {
    super(`${name} has ${have} of ${want} peers after ${deadlineMs / 1_000} s; see its node.log`)
  }
}

/** Several nodes on this machine, each a process of its own. */
export class Devnet {
  readonly #init: DevnetInit
  readonly #readyDeadlineMs: number
  #processes: NodeProcess[] = []
  #hasManifest = false

  constructor(init: DevnetInit) {
    this.#init = init
    this.#readyDeadlineMs = init.readyDeadlineMs ?? DEFAULT_READY_DEADLINE_MS
  }

  get processes(): readonly NodeProcess[] {
    return this.#processes
  }

  /**
   * Starts all nodes and resolves when each is connected to every other. `onStep` is told how far it is.
   * @throws {PortInUseError} @throws {UnusableFileError} @throws {NodeFailedError} @throws {NodeNotReadyError}
   * @throws {NotConnectedError}
   */
  async start(signal: AbortSignal, onStep: (done: number, note: string) => void): Promise<void> {
    const { data, profile } = this.#init
    const plan = planDevnet(this.#init)
    await refuseSecond(data)
    await checkPorts(plan)
    await makeDirectory(data).catch((cause: unknown) => {
      throw fileProblem('data directory', data, cause)
    })
    const nodes = await prepareFiles(data, profile, plan)
    let done = 0
    for (const node of nodes) this.#processes.push(await NodeProcess.spawn(node, profile))
    await Promise.all(
      this.#processes.map(async (process) => {
        await process.whenReady(signal, this.#readyDeadlineMs)
        onStep(++done, `${process.node.name} answers`)
      }),
    )
    await Promise.all(
      nodes.map(async (node) => {
        await untilConnected(node, nodes.length - 1, this.#readyDeadlineMs, signal)
        onStep(++done, `${node.name} is connected`)
      }),
    )
    await writeManifest(data, {
      profile,
      nodes: this.#processes.map((process) => ({ ...process.node, pid: process.pid })),
    })
    this.#hasManifest = true
  }

  /** Stops all nodes side by side. No process is left. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop(STOP_GRACE_MS)))
    // One that it has not written may be that of a devnet which runs.
    if (this.#hasManifest) await rm(manifestPath(this.#init.data), { force: true })
  }
}

/** A second devnet would rewrite the configuration of nodes that run. @throws {UnusableFileError} */
async function refuseSecond(data: string): Promise<void> {
  const running = await runningNodes(data)
  if (running.length === 0) return
  const nodes = running.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ')
  throw new UnusableFileError(
    'data directory',
    data,
    `a devnet runs in it: ${nodes}; stop it, or choose another --data`,
  )
}

async function untilConnected(
  node: PreparedNode,
  want: number,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const client = new NodeClient(node.url)
  const end = performance.now() + deadlineMs
  for (;;) {
    signal.throwIfAborted()
    const { peer_count: have } = await client.get('/node/info', nodeInfo)
    if (have >= want) return
    if (performance.now() > end) throw new NotConnectedError(node.name, have, want, deadlineMs)
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS))
  }
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type PreparedNode, planDevnet, prepareFiles } from '@gridmesh/node'
import type { FromFleet, ToFleet } from './fleet-process.ts'
import { freePorts } from './ports.ts'

const PROCESS = fileURLToPath(new URL('fleet-process.ts', import.meta.url))
/** Time that all nodes have to reach the minimum, in ms: beyond it the fleet has failed. */
const START_DEADLINE_MS = 120_000

/** How a fleet is to be. */
export interface FleetInit {
  /** Nodes, the bootstrap node among them. */
  nodes: number
  /** Processes that the nodes are spread over, beside that of the bootstrap node. */
  processes: number
  /** Settings of every node, by dotted path. */
  flags: Readonly<Record<string, unknown>>
  /** Time between the starts of two nodes of one process, in ms. @default 0 */
  gapMs?: number
}

/** How one node of a fleet fared. */
export interface FleetNode {
  readonly name: string
  /** From its latest start to the minimum of peers, in ms; `undefined` while not reached. */
  toMinimumMs: number | undefined
  /** From its latest start to the target, in ms; `undefined` while not reached. */
  toTargetMs: number | undefined
  /** Longest time that it was below the minimum after it had reached it, in ms. */
  longestBelowMs: number
  /** Since when it has been below the minimum, by the parent's clock; `undefined` while it is not. */
  belowSinceMs: number | undefined
}

/** Many whole nodes, in several processes, that know nothing but one bootstrap node. */
export class Fleet {
  /** All but the bootstrap node, by name. */
  readonly nodes: ReadonlyMap<string, FleetNode>
  readonly #data: string
  readonly #bootstrap: ChildProcess
  readonly #homes = new Map<string, ChildProcess>()
  readonly #children: ChildProcess[] = []

  private constructor({ processes, gapMs = 0, flags }: FleetInit, data: string, prepared: readonly PreparedNode[]) {
    const [first, ...others] = prepared
    if (first === undefined) throw new RangeError('a fleet needs at least the bootstrap node')
    this.#data = data
    // What is measured is links: with a chain each, so many nodes would be busy with that.
    const common = { 'chain.enabled': false, ...flags, 'pool.exemptLoopback': true }
    const settings = JSON.stringify({ ...common, 'p2p.bootstrap': [first.multiaddr] })
    const alone = JSON.stringify({ ...common, 'p2p.bootstrap': [] })
    this.#bootstrap = fork(PROCESS, [alone, '0', first.config])
    this.nodes = new Map(others.map(({ name }) => [name, unmeasured(name)]))
    for (let home = 0; home < processes; home++) {
      const here = others.filter((_, index) => index % processes === home)
      const child = fork(PROCESS, [settings, `${gapMs}`, ...here.map(({ config }) => config)])
      child.on('message', (message: FromFleet) => this.#hear(message))
      for (const { name } of here) this.#homes.set(name, child)
      this.#children.push(child)
    }
  }

  /** Starts the bootstrap node, then all others at once. Resolves when each of them has its minimum of peers. */
  static async start(init: FleetInit): Promise<Fleet> {
    const data = mkdtempSync(join(tmpdir(), 'gridmesh-fleet-'))
    const base = await freePorts(init.nodes * 2)
    const plan = planDevnet({ nodes: init.nodes, baseHttp: base, baseP2p: base + init.nodes })
    const fleet = new Fleet(init, data, await prepareFiles(data, 'gridtokenx', plan))
    await fleet.#loaded()
    fleet.#tell(fleet.#bootstrap, { type: 'start' })
    await once(fleet.#bootstrap, 'message')
    for (const child of fleet.#children) fleet.#tell(child, { type: 'start' })
    await fleet.whenMinimumMet(START_DEADLINE_MS)
    return fleet
  }

  /** Ends the bootstrap node for good, as a power cut would. */
  async killBootstrap(): Promise<void> {
    this.#bootstrap.kill('SIGKILL')
    await once(this.#bootstrap, 'exit')
  }

  /** Stops a node and starts it anew, with nothing but what it had on disk. Resolves when it has its minimum again. */
  async restart(name: string): Promise<void> {
    const [child, node] = [this.#homes.get(name), this.nodes.get(name)]
    if (child === undefined || node === undefined) throw new RangeError(`there is no node ${name}`)
    node.toMinimumMs = undefined
    node.belowSinceMs = undefined
    this.#tell(child, { type: 'restart', name })
    await this.#until(START_DEADLINE_MS, () => node.toMinimumMs !== undefined)
  }

  /** Resolves when every node that runs has its minimum of peers. */
  async whenMinimumMet(deadlineMs: number): Promise<void> {
    await this.#until(deadlineMs, () =>
      [...this.nodes.values()].every(
        ({ toMinimumMs, belowSinceMs }) => toMinimumMs !== undefined && belowSinceMs === undefined,
      ),
    )
  }

  /** Resolves when every node has had its target of peers. */
  async whenTargetMet(deadlineMs: number): Promise<void> {
    await this.#until(deadlineMs, () => [...this.nodes.values()].every(({ toTargetMs }) => toTargetMs !== undefined))
  }

  /** Longest time that any node was below its minimum after it had reached it, in ms, one that goes on included. */
  get longestBelowMs(): number {
    const now = performance.now()
    return Math.max(
      ...[...this.nodes.values()].map(({ longestBelowMs, belowSinceMs }) =>
        Math.max(longestBelowMs, belowSinceMs === undefined ? 0 : now - belowSinceMs),
      ),
    )
  }

  async stop(): Promise<void> {
    await Promise.all(
      [this.#bootstrap, ...this.#children].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const exited = once(child, 'exit')
        child.disconnect()
        await exited
      }),
    )
    rmSync(this.#data, { recursive: true, force: true })
  }

  async #loaded(): Promise<void> {
    await Promise.all([this.#bootstrap, ...this.#children].map((child) => once(child, 'message')))
  }

  #tell(child: ChildProcess, message: ToFleet): void {
    child.send(message)
  }

  #hear(message: FromFleet): void {
    if (message.type === 'loaded' || message.type === 'started') return
    const node = this.nodes.get(message.name)
    if (node === undefined) return
    const now = performance.now()
    if (message.type === 'target') node.toTargetMs = message.afterMs
    else if (message.isMet) {
      node.toMinimumMs ??= message.afterMs
      if (node.belowSinceMs !== undefined) node.longestBelowMs = Math.max(node.longestBelowMs, now - node.belowSinceMs)
      node.belowSinceMs = undefined
    } else if (node.toMinimumMs !== undefined) node.belowSinceMs ??= now
  }

  async #until(deadlineMs: number, isSo: () => boolean): Promise<void> {
    const end = performance.now() + deadlineMs
    while (!isSo()) {
      if (performance.now() > end)
        throw new Error(`not so after ${deadlineMs} ms: ${JSON.stringify([...this.nodes.values()])}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

function unmeasured(name: string): FleetNode {
  return { name, toMinimumMs: undefined, toTargetMs: undefined, longestBelowMs: 0, belowSinceMs: undefined }
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@gridmesh-internal/support'
import { planDevnet, prepareFiles } from '@gridmesh/node'
import type { FromNode, ToNode } from './processes/bulk-node.ts'

/** Time an emergency may take to reach everybody, in ms: beyond it the run has failed. */
const EMERGENCY_DEADLINE_MS = 20_000

const NODE = fileURLToPath(new URL('processes/bulk-node.ts', import.meta.url))

/** Real node processes that send emergencies, with or without bulk transfers between all of them. */
export class EmergencyNetwork {
  readonly #children: ChildProcess[]
  readonly #data: string
  readonly #times = new Map<string, { sentNs?: bigint; seenNs: bigint[]; done: () => void }>()
  #movedBytes = 0
  #sent = 0

  private constructor(children: ChildProcess[], data: string) {
    this.#children = children
    this.#data = data
    for (const child of children) child.on('message', (message: FromNode) => this.#hear(message))
  }

  static async start(nodes: number): Promise<EmergencyNetwork> {
    const data = mkdtempSync(join(tmpdir(), 'gridmesh-bench-'))
    const base = await freePorts(nodes * 2)
    const plan = planDevnet({ nodes, baseHttp: base, baseP2p: base + nodes })
    const prepared = await prepareFiles(data, 'gridtokenx', plan)
    const children = prepared.map(({ config }) => fork(NODE, [config]))
    await Promise.all(children.map((child) => untilConnected(child, nodes - 1)))
    return new EmergencyNetwork(children, data)
  }

  /** Sends emergencies from the first node, one by one. Returns for each the time until the last node had it, in ms. */
  async emergencies(count: number): Promise<number[]> {
    const delays: number[] = []
    for (let i = 0; i < count; i++) delays.push(await this.#emergency(`emergency-${++this.#sent}`))
    return delays
  }

  /** Runs `task` while every node moves 10 MB payloads to every other. Returns the bytes that arrived meanwhile. */
  async duringBulk(task: () => Promise<unknown>): Promise<number> {
    const before = this.#movedBytes
    this.#tellAll({ type: 'bulk', on: true })
    await task()
    const moved = this.#movedBytes - before
    this.#tellAll({ type: 'bulk', on: false })
    return moved
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        child.disconnect()
        await once(child, 'exit')
      }),
    )
    rmSync(this.#data, { recursive: true, force: true })
  }

  async #emergency(id: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const times: { sentNs?: bigint; seenNs: bigint[]; done: () => void } = { seenNs: [], done: resolve }
    this.#times.set(id, times)
    this.#children[0]?.send({ type: 'emergency', id } satisfies ToNode)
    const timer = setTimeout(() => reject(new Error(`${id} did not reach every node`)), EMERGENCY_DEADLINE_MS)
    await promise.finally(() => clearTimeout(timer))
    this.#times.delete(id)
    const last = times.seenNs.reduce((a, b) => (a > b ? a : b))
    return Number(last - (times.sentNs ?? last)) / 1e6
  }

  #hear(message: FromNode): void {
    if (message.type === 'moved') this.#movedBytes += message.bytes
    if (message.type !== 'sent' && message.type !== 'seen') return
    const times = this.#times.get(message.id)
    if (times === undefined) return
    if (message.type === 'sent') times.sentNs = BigInt(message.atNs)
    else times.seenNs.push(BigInt(message.atNs))
    // The first node's own feed counts too.
    if (times.seenNs.length === this.#children.length) times.done()
  }

  #tellAll(message: ToNode): void {
    for (const child of this.#children) child.send(message)
  }
}

async function untilConnected(child: ChildProcess, peers: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('exit', (code) => reject(new Error(`a node ended with exit code ${code} before it was connected`)))
  child.on('message', (message: FromNode) => {
    if (message.type === 'peers' && message.count >= peers) resolve()
  })
  await promise
}

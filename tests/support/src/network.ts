import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CreateNodeInit,
  type GridmeshNode,
  type PreparedNode,
  createNode,
  loadNodeConfig,
  planDevnet,
  prepareFiles,
} from '@gridmesh/node'
import { freePorts } from './ports.ts'

/** How the nodes of a network are to be. */
export interface NetworkInit {
  nodes: number
  /** @default 'gridtokenx' */
  profile?: string
  /** Settings of every node, by dotted path. */
  flags?: Readonly<Record<string, unknown>>
  modules?: CreateNodeInit['modules']
}

/** Load is not shed unless a test makes it: the machine may be busy with others, and what is shed is lost. */
const CALM = { 'health.busyDelayMs': 10_000, 'health.overloadedDelayMs': 10_000 }

/** Whole nodes over TCP and Noise in this process, each connected to all others. */
export class Network {
  readonly prepared: readonly PreparedNode[]
  readonly data: string
  readonly #nodes: GridmeshNode[]
  readonly #init: NetworkInit

  private constructor(init: NetworkInit, nodes: GridmeshNode[], prepared: PreparedNode[], data: string) {
    this.#init = init
    this.#nodes = nodes
    this.prepared = prepared
    this.data = data
  }

  static async start(init: NetworkInit): Promise<Network> {
    const { nodes: count, profile = 'gridtokenx' } = init
    const data = mkdtempSync(join(tmpdir(), 'gridmesh-network-'))
    try {
      const base = await freePorts(count * 2)
      const prepared = await prepareFiles(
        data,
        profile,
        planDevnet({ nodes: count, baseHttp: base, baseP2p: base + count }),
      )
      const nodes = await Promise.all(prepared.map(async (node) => startNode(init, node)))
      const network = new Network(init, nodes, prepared, data)
      await network.whenConnected()
      return network
    } catch (err) {
      rmSync(data, { recursive: true, force: true })
      throw err
    }
  }

  get nodes(): readonly GridmeshNode[] {
    return this.#nodes
  }

  /** The node at `index`. @throws {RangeError} */
  node(index: number): GridmeshNode {
    const node = this.nodes[index]
    if (node === undefined) throw new RangeError(`there is no node ${index}`)
    return node
  }

  /** Starts the node at `index`, which was stopped, with nothing but what it had on disk, and `flags` beside its own. */
  async restart(index: number, flags: NetworkInit['flags'] = {}): Promise<GridmeshNode> {
    const prepared = this.prepared[index]
    if (prepared === undefined) throw new RangeError(`there is no node ${index}`)
    return (this.#nodes[index] = await startNode({ ...this.#init, flags: { ...this.#init.flags, ...flags } }, prepared))
  }

  /** Resolves when every node is ready with every other. */
  async whenConnected(): Promise<void> {
    const signal = AbortSignal.timeout(20_000)
    await Promise.all(
      this.nodes.flatMap((node) =>
        this.nodes
          .filter((other) => other !== node)
          .map((other) => node.libp2p.services.peerManager.whenReady(other.libp2p.peerId, { signal })),
      ),
    )
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
    rmSync(this.data, { recursive: true, force: true })
  }
}

async function startNode(
  { profile = 'gridtokenx', flags, modules }: NetworkInit,
  { config: file }: PreparedNode,
): Promise<GridmeshNode> {
  const { config } = loadNodeConfig({ file, profile, flags: { 'logs.level': 'silent', ...CALM, ...flags } })
  const node = await createNode({ config, ...(modules === undefined ? {} : { modules }) })
  await node.start()
  return node
}

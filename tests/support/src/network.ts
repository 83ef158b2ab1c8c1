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

/** Whole nodes over TCP and Noise in this process, each connected to all others. */
export class Network {
  readonly nodes: readonly GridmeshNode[]
  readonly prepared: readonly PreparedNode[]
  readonly data: string

  private constructor(nodes: GridmeshNode[], prepared: PreparedNode[], data: string) {
    this.nodes = nodes
    this.prepared = prepared
    this.data = data
  }

  static async start({ nodes: count, profile = 'gridtokenx', flags = {}, modules }: NetworkInit): Promise<Network> {
    const data = mkdtempSync(join(tmpdir(), 'gridmesh-network-'))
    const base = await freePorts(count * 2)
    const prepared = await prepareFiles(
      data,
      profile,
      planDevnet({ nodes: count, baseHttp: base, baseP2p: base + count }),
    )
    const nodes = await Promise.all(
      prepared.map(async ({ config: file }) => {
        const { config } = loadNodeConfig({
          file,
          profile,
          flags: { 'logs.level': 'silent', ...flags },
        })
        const node = await createNode({ config, ...(modules === undefined ? {} : { modules }) })
        await node.start()
        return node
      }),
    )
    const network = new Network(nodes, prepared, data)
    await network.whenConnected()
    return network
  }

  /** The node at `index`. @throws {RangeError} */
  node(index: number): GridmeshNode {
    const node = this.nodes[index]
    if (node === undefined) throw new RangeError(`there is no node ${index}`)
    return node
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

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '@gridmesh-internal/support'
import {
  type GridmeshNode,
  type PreparedNode,
  createNode,
  loadNodeConfig,
  planDevnet,
  prepareFiles,
} from '@gridmesh/node'

/** Makes whole nodes of one network, which know nobody unless told. */
export class WholeNodes {
  readonly #data: string
  readonly #prepared: PreparedNode[]
  readonly #running: GridmeshNode[] = []

  private constructor(data: string, prepared: PreparedNode[]) {
    this.#data = data
    this.#prepared = prepared
  }

  /** Prepares the files of at most `count` nodes. */
  static async prepare(count: number): Promise<WholeNodes> {
    const data = mkdtempSync(join(tmpdir(), 'gridmesh-links-'))
    const base = await freePorts(count * 2)
    const plan = planDevnet({ nodes: count, baseHttp: base, baseP2p: base + count })
    return new WholeNodes(data, await prepareFiles(data, 'gridtokenx', plan))
  }

  /** The next node, built and not yet started, that knows the given first peer or nobody. */
  async next(first?: GridmeshNode): Promise<GridmeshNode> {
    const prepared = this.#prepared.shift()
    if (prepared === undefined) throw new RangeError('no more nodes are prepared')
    const flags = {
      'logs.level': 'error',
      'p2p.minPeers': 2,
      'p2p.bootstrap': first?.libp2p.getMultiaddrs().map(String) ?? [],
      'discovery.strategies': ['bootstrap', 'peer-exchange', 'kademlia'],
    }
    const { config } = loadNodeConfig({ file: prepared.config, profile: 'gridtokenx', flags })
    const node = await createNode({ config })
    this.#running.push(node)
    return node
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((node) => node.stop()))
    rmSync(this.#data, { recursive: true, force: true })
  }
}

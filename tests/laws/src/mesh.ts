import { vi } from 'vitest'
import { Fabric } from './fabric.ts'
import { MeshNode } from './mesh-node.ts'
import type { MeshInit } from './services.ts'

/** How long a test waits for what has to come. Only what hangs is to fail. */
export const SOON = { timeout: 40_000, interval: 20 }

/** What the nodes of a mesh have in common, or have by their index. */
export type MeshInits = MeshInit | ((index: number) => MeshInit)

/** Nodes that are all connected with each other, over links that can be parted. */
export class Mesh {
  readonly fabric = new Fabric()
  readonly nodes: MeshNode[] = []

  private constructor() {}

  static async start(count: number, inits: MeshInits = {}): Promise<Mesh> {
    const mesh = new Mesh()
    for (let index = 0; index < count; index++) {
      await mesh.add(`node-${index}`, typeof inits === 'function' ? inits(index) : inits)
    }
    await mesh.whenConnected()
    return mesh
  }

  /** Starts one more node, which dials all others. */
  async add(name: string, init: MeshInit = {}): Promise<MeshNode> {
    const node = await MeshNode.start(name, init, this.fabric)
    await Promise.all(this.nodes.map(async (other) => node.dial(other)))
    this.nodes.push(node)
    return node
  }

  /** The node at `index`. @throws {RangeError} */
  node(index: number): MeshNode {
    const node = this.nodes[index]
    if (node === undefined) throw new RangeError(`there is no node ${index}`)
    return node
  }

  /** All nodes but these. */
  others(...nodes: readonly MeshNode[]): MeshNode[] {
    return this.nodes.filter((node) => !nodes.includes(node))
  }

  /** Resolves when each of these nodes is ready with each other of them, and the others with none. */
  async whenConnected(nodes: readonly MeshNode[] = this.nodes): Promise<void> {
    await vi.waitFor(() => {
      for (const node of nodes) {
        for (const other of this.others(node)) {
          if (node.isReady(other) !== nodes.includes(other)) {
            throw new RangeError(`${node.name} is ${node.isReady(other) ? 'still' : 'not'} ready with ${other.name}`)
          }
        }
      }
    }, SOON)
  }

  async stop(): Promise<void> {
    // One after the other: two ends of a connection that close at once wait for each other.
    for (const node of this.nodes) await node.stop()
    await this.fabric.close()
  }
}

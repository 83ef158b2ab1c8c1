import type { SimulationContext } from '@gridmesh/simnet'
import type { SimServices } from './app.ts'

/** When a node got a message. */
export interface Observation {
  readonly id: string
  readonly node: number
  /** Since it was published, in virtual ms. */
  readonly delayMs: number
}

interface Entry {
  readonly atMs: number
  readonly author: number
  /** Nodes that are to get it; without, it may get lost. */
  readonly audience: ReadonlySet<number> | undefined
  /** Nodes that took it, and in which of their lives. */
  readonly lives: Map<number, number>
  /** Nodes that judged it valid, and so may acknowledge it. */
  readonly accepted: Set<number>
}

/** Who published what, and who got it. Outlives the nodes. */
export class Ledger {
  readonly observations: Observation[] = []
  readonly #entries = new Map<string, Entry>()
  #context: SimulationContext<SimServices> | undefined

  /** The run begins. Nothing is published before. */
  attach(context: SimulationContext<SimServices>): void {
    this.#context = context
  }

  /** Notes a message. The audience is to get it; without one, it may get lost, and no figure counts it. */
  published(id: string, author: number, audience?: ReadonlySet<number>): void {
    const context = this.#attached()
    if (audience !== undefined) context.deliveries.published(id, audience.size)
    const entry = { atMs: context.clock.nowMs, author, audience, lives: new Map(), accepted: new Set<number>() }
    this.#entries.set(id, entry)
  }

  /** A node found a message valid. */
  accepted(id: string, node: number): void {
    this.#entries.get(id)?.accepted.add(node)
  }

  /** A node was given a message, in which of its lives. */
  delivered(id: string, node: number, life: number): void {
    const { clock, deliveries, expect } = this.#attached()
    const entry = this.#entries.get(id)
    if (entry === undefined) {
      expect('published-before-delivered', false, `Node ${node} was given ${id}, which nobody published`)
      return
    }
    const before = entry.lives.get(node)
    if (before !== undefined) {
      expect('delivered-twice', false, `Node ${node} was given ${id} in its lives ${before} and ${life}`)
      return
    }
    entry.lives.set(node, life)
    entry.accepted.add(node)
    if (entry.audience?.has(node) !== true) return
    deliveries.delivered(id, node)
    this.observations.push({ id, node, delayMs: clock.nowMs - entry.atMs })
  }

  /** The longest that a node of the audience waited for a message, in virtual ms. */
  slowestMs(id: string): number {
    let slowest = 0
    for (const seen of this.observations) if (seen.id === id) slowest = Math.max(slowest, seen.delayMs)
    return slowest
  }

  /** Nodes of the audience that have not got a message. */
  missing(id: string): number[] {
    const { audience = new Set<number>(), lives = new Map<number, number>() } = this.#entries.get(id) ?? {}
    return [...audience].filter((node) => !lives.has(node))
  }

  /** Whether a node has a message: it wrote it, or found it valid. */
  has(id: string, node: number): boolean {
    const entry = this.#entries.get(id)
    return entry !== undefined && (entry.author === node || entry.accepted.has(node))
  }

  /** A node lost its disk: it may be given again what was not expected of it. */
  forget(node: number): void {
    for (const { audience, lives } of this.#entries.values()) if (audience?.has(node) !== true) lives.delete(node)
  }

  #attached(): SimulationContext<SimServices> {
    if (this.#context === undefined) throw new RangeError('Nothing is published before the run begins')
    return this.#context
  }
}

import { TreeLinks } from '../../src/tree-links.ts'

/** Links between nodes, as pairs of their indexes. */
export type Pairs = readonly (readonly [number, number])[]

/** What a model is made from. */
export interface TreeModelInit {
  size: number
  pairs: Pairs
  /** Longest time that anything takes over a link, in ms. */
  maxDelayMs: number
  /** Above 0 and below 1. */
  chance: () => number
}

/** Something that happens at a time. */
interface Due {
  atMs: number
  run(): void
}

interface ModelMessage {
  origin: string
  /** Who brought it first; `undefined` at its author. */
  first: string | undefined
  holders: Set<string>
}

/** What the control messages are about, and how they are sent, as the carrier does it. */
const IHAVE_MS = 200
const GRAFT_MS = 500

/**
 * Nodes that hold nothing but `TreeLinks`, and links that take another time for each message. The clock is `nowMs`:
 * `performance.now` has to return it.
 */
export class TreeModel {
  nowMs = 0
  maxDelayMs: number
  /** Messages that went over a link. */
  sends = 0
  /** Messages asked for because they did not come. */
  grafts = 0
  readonly links: TreeLinks[]
  readonly #neighbours: Set<number>[]
  readonly #messages: Map<string, ModelMessage>[]
  readonly #missing: Map<string, number[]>[]
  readonly #chance: () => number
  readonly #due: Due[] = []

  constructor({ size, pairs, maxDelayMs, chance }: TreeModelInit) {
    const each = <T>(make: () => T): T[] => Array.from({ length: size }, make)
    this.links = each(() => new TreeLinks())
    this.#neighbours = each(() => new Set())
    this.#messages = each(() => new Map())
    this.#missing = each(() => new Map())
    this.maxDelayMs = maxDelayMs
    this.#chance = chance
    for (const [a, b] of pairs) {
      this.#at(this.#neighbours, a).add(b)
      this.#at(this.#neighbours, b).add(a)
    }
  }

  /** How many nodes have a message. */
  holders(id: string): number {
    return this.#messages.filter((messages) => messages.has(id)).length
  }

  /** The links over which both ends send, each once. */
  eager(): string[] {
    const isEager = (from: number, to: number): boolean => this.#at(this.links, from).isEager(String(to))
    return this.#neighbours.flatMap((others, node) =>
      [...others].filter((other) => node < other && isEager(node, other)).map((other) => `${node}-${other}`),
    )
  }

  publishAt(atMs: number, author: number, id: string): void {
    this.#schedule(atMs, () => {
      const message = { origin: String(author), first: undefined, holders: new Set<string>() }
      this.#accept(author, id, message)
    })
  }

  /** Cuts a link: neither end has the other for a neighbour. */
  cut(a: number, b: number): void {
    for (const [node, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#at(this.#neighbours, node).delete(other)
      this.#at(this.links, node).keep(new Set([...this.#at(this.#neighbours, node)].map(String)))
    }
  }

  /** Runs until nothing is due. */
  run(): void {
    for (let next = this.#due.shift(); next !== undefined; next = this.#due.shift()) {
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.run()
    }
  }

  #at<T>(list: readonly T[], node: number): T {
    const found = list[node]
    if (found === undefined) throw new RangeError(`there is no node ${node}`)
    return found
  }

  #schedule(atMs: number, run: () => void): void {
    // Most things are due later than all others: those are looked at first.
    const after = this.#due.findLastIndex((other) => other.atMs <= atMs)
    this.#due.splice(after + 1, 0, { atMs, run })
  }

  /** Has something happen at the other end of a link, if that is still there. */
  #send(from: number, to: number, arrive: () => void, waitMs = 0): void {
    this.#schedule(this.nowMs + waitMs + this.maxDelayMs * this.#chance(), () => {
      if (this.#at(this.#neighbours, to).has(from)) arrive()
    })
  }

  #push(from: number, to: number, id: string, origin: string): void {
    this.sends++
    this.#send(from, to, () => this.#receive(to, from, id, origin))
  }

  #receive(node: number, from: number, id: string, origin: string): void {
    const known = this.#at(this.#messages, node).get(id)
    const peer = String(from)
    if (known === undefined) {
      const asked = this.#at(this.#missing, node).get(id)
      for (const one of asked ?? []) {
        if (one === from) this.#at(this.links, node).graft(peer)
        else if (this.#at(this.links, node).prune(String(one))) this.#prune(node, one, id)
      }
      this.#at(this.links, node).first(peer, origin)
      this.#accept(node, id, { origin, first: peer, holders: new Set([peer]) })
      return
    }
    known.holders.add(peer)
    const late = this.#at(this.links, node).copy({ from: peer, first: known.first, origin })
    if (late !== undefined) this.#prune(node, Number(late), id)
  }

  #accept(node: number, id: string, message: ModelMessage): void {
    const links = this.#at(this.links, node)
    if (message.first === undefined) links.first(undefined, message.origin)
    this.#at(this.#messages, node).set(id, message)
    for (const other of this.#at(this.#neighbours, node)) {
      if (message.holders.has(String(other))) continue
      if (links.isEager(String(other))) this.#push(node, other, id, message.origin)
      else this.#send(node, other, () => this.#onIhave(other, node, id), IHAVE_MS)
    }
  }

  #onIhave(node: number, from: number, id: string): void {
    const known = this.#at(this.#messages, node).get(id)
    if (known !== undefined) {
      known.holders.add(String(from))
      return
    }
    const missing = this.#at(this.#missing, node)
    if (missing.has(id)) return
    missing.set(id, [])
    this.#schedule(this.nowMs + GRAFT_MS, () => {
      if (this.#at(this.#messages, node).has(id)) return
      missing.set(id, [from])
      this.grafts++
      this.#send(node, from, () => this.#onGraft(from, node, id))
    })
  }

  #onGraft(node: number, from: number, id: string): void {
    const message = this.#at(this.#messages, node).get(id)
    if (message === undefined) return
    const links = this.#at(this.links, node)
    if (message.holders.has(String(from))) links.adopt(String(from))
    else {
      links.graft(String(from))
      this.#push(node, from, id, message.origin)
    }
  }

  #prune(from: number, to: number, id: string): void {
    this.#send(from, to, () => {
      this.#at(this.#messages, to).get(id)?.holders.add(String(from))
      if (!this.#at(this.links, to).prune(String(from))) this.#send(to, from, () => this.#onGraft(from, to, id))
    })
  }
}

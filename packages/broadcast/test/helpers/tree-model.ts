import { MAX_GRAFTS_PER_MESSAGE, TREE_WELCOME_MS } from '../../src/constants.ts'
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
  atMs: number
  /** How often it was given to a peer that asked for it. */
  grafts: Map<number, number>
}

/** A message that a node was told of: who has it, and who of them was asked for it. */
interface ModelMissing {
  announcers: number[]
  asked: number[]
}

/** What a node loses when it restarts. */
interface ModelNode {
  links: TreeLinks
  /** Its mesh, by its own view of it. */
  neighbours: Set<number>
  messages: Map<string, ModelMessage>
  missing: Map<string, ModelMissing>
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
  readonly #nodes: ModelNode[]
  /** Who ever had a message, before a restart too. */
  readonly #holders = new Map<string, Set<number>>()
  /** How often the connection of two nodes was closed. */
  readonly #closed = new Map<string, number>()
  /** How often two nodes took each other into their meshes or out of them: only the last time counts. */
  readonly #turns = new Map<string, number>()
  readonly #chance: () => number
  readonly #due: Due[] = []

  constructor({ size, pairs, maxDelayMs, chance }: TreeModelInit) {
    this.#nodes = Array.from({ length: size }, emptyNode)
    this.maxDelayMs = maxDelayMs
    this.#chance = chance
    for (const [a, b] of pairs) {
      this.#node(a).neighbours.add(b)
      this.#node(b).neighbours.add(a)
    }
  }

  /** How many nodes have got a message. */
  holders(id: string): number {
    return this.#holders.get(id)?.size ?? 0
  }

  /** The links over which both ends send, each once. */
  eager(): string[] {
    const isEager = (from: number, to: number): boolean => this.#node(from).links.isEager(String(to))
    return this.#nodes.flatMap(({ neighbours }, node) =>
      [...neighbours]
        .filter((other) => node < other && isEager(node, other) && isEager(other, node))
        .map((other) => `${node}-${other}`),
    )
  }

  /** Has something happen at a time: a change of the mesh, say. */
  at(atMs: number, run: () => void): void {
    // Most things are due later than all others: those are looked at first.
    const after = this.#due.findLastIndex((other) => other.atMs <= atMs)
    this.#due.splice(after + 1, 0, { atMs, run })
  }

  publishAt(atMs: number, author: number, id: string): void {
    this.at(atMs, () => this.#accept(author, id, this.#message(String(author), undefined)))
  }

  /** Each end takes the other out of its mesh, in its own time. They stay connected. */
  part(a: number, b: number): void {
    this.#turn(a, b, (node, other) => this.#node(node).neighbours.delete(other))
  }

  /** Each end takes the other into its mesh, in its own time, and tells it of what went by of late. */
  join(a: number, b: number): void {
    this.#turn(a, b, (node, other) => this.#welcome(node, other))
  }

  /** Closes the connection of two nodes: neither end has the other for a neighbour, and what is under way is lost. */
  cut(a: number, b: number): void {
    increase(this.#closed, pairOf(a, b))
    increase(this.#turns, pairOf(a, b))
    this.#node(a).neighbours.delete(b)
    this.#node(b).neighbours.delete(a)
  }

  /** A node starts anew, with nothing, and meets its neighbours again. */
  restart(node: number): void {
    const neighbours = [...this.#node(node).neighbours]
    for (const other of neighbours) this.cut(node, other)
    this.#nodes[node] = emptyNode()
    for (const other of neighbours) this.join(node, other)
  }

  /** Runs until nothing is due. */
  run(): void {
    for (let next = this.#due.shift(); next !== undefined; next = this.#due.shift()) {
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.run()
    }
  }

  #node(index: number): ModelNode {
    const found = this.#nodes[index]
    if (found === undefined) throw new RangeError(`there is no node ${index}`)
    return found
  }

  #message(origin: string, first: string | undefined): ModelMessage {
    const holders = new Set(first === undefined ? [] : [first])
    return { origin, first, holders, atMs: this.nowMs, grafts: new Map() }
  }

  /** Has something happen at both ends, each in its own time, unless it is undone before. */
  #turn(a: number, b: number, run: (node: number, other: number) => void): void {
    const key = pairOf(a, b)
    const turn = increase(this.#turns, key)
    const end = (node: number, other: number): void =>
      this.at(this.nowMs + this.maxDelayMs * this.#chance(), () => {
        if (this.#turns.get(key) === turn) run(node, other)
      })
    end(a, b)
    end(b, a)
  }

  /** Has something happen at the other end, unless the connection is closed before. */
  #send(from: number, to: number, arrive: () => void, waitMs = 0): void {
    const key = pairOf(from, to)
    const closed = this.#closed.get(key)
    this.at(this.nowMs + waitMs + this.maxDelayMs * this.#chance(), () => {
      if (this.#closed.get(key) === closed) arrive()
    })
  }

  #push(from: number, to: number, id: string, origin: string): void {
    this.sends++
    this.#send(from, to, () => this.#receive(to, from, id, origin))
  }

  #receive(node: number, from: number, id: string, origin: string): void {
    const { links, messages, neighbours } = this.#node(node)
    const known = messages.get(id)
    const peer = String(from)
    if (known !== undefined) {
      known.holders.add(peer)
      const late = links.copy({ from: peer, first: known.first, origin: known.origin })
      if (late === peer || (late !== undefined && neighbours.has(Number(late)))) this.#prune(node, Number(late), id)
      return
    }
    this.#found(node, from, id)
    if (neighbours.has(from)) links.first(peer, origin)
    this.#accept(node, id, this.#message(origin, peer))
  }

  #found(node: number, from: number, id: string): void {
    const { links, missing } = this.#node(node)
    const asked = missing.get(id)?.asked ?? []
    missing.delete(id)
    for (const one of asked) {
      if (one === from) links.graft(String(one))
      else if (links.prune(String(one))) this.#prune(node, one, id)
    }
  }

  #accept(node: number, id: string, message: ModelMessage): void {
    const { links, messages, neighbours } = this.#node(node)
    if (message.first === undefined) links.first(undefined, message.origin)
    messages.set(id, message)
    this.#holders.set(id, (this.#holders.get(id) ?? new Set()).add(node))
    if (neighbours.size > 0) links.keep(new Set([...neighbours].map(String)))
    for (const other of neighbours) {
      if (message.holders.has(String(other))) continue
      if (links.isEager(String(other))) this.#push(node, other, id, message.origin)
      else this.#send(node, other, () => this.#onIhave(other, node, id), IHAVE_MS)
    }
  }

  #welcome(node: number, other: number): void {
    const { messages, neighbours } = this.#node(node)
    neighbours.add(other)
    for (const [id, { atMs, holders }] of messages) {
      if (this.nowMs - atMs > TREE_WELCOME_MS || holders.has(String(other))) continue
      this.#send(node, other, () => this.#onIhave(other, node, id))
    }
  }

  #onIhave(node: number, from: number, id: string): void {
    const { messages, missing } = this.#node(node)
    const known = messages.get(id)
    if (known !== undefined) {
      known.holders.add(String(from))
      return
    }
    const told = missing.get(id)
    if (told?.announcers.includes(from) === true) return
    if (told !== undefined) {
      told.announcers.push(from)
      return
    }
    const first = { announcers: [from], asked: [] }
    missing.set(id, first)
    this.at(this.nowMs + GRAFT_MS, () => this.#ask(node, id, first))
  }

  /** Asks one after the other of those that have a message, until it comes. */
  #ask(node: number, id: string, told: ModelMissing): void {
    const { missing } = this.#node(node)
    if (missing.get(id) !== told) return
    const from = told.announcers.shift()
    if (from === undefined) {
      missing.delete(id)
      return
    }
    told.asked.push(from)
    this.grafts++
    this.#send(node, from, () => this.#onGraft(from, node, id))
    this.at(this.nowMs + GRAFT_MS, () => this.#ask(node, id, told))
  }

  #onGraft(node: number, from: number, id: string): void {
    const { links, messages } = this.#node(node)
    const message = messages.get(id)
    if (message === undefined) return
    const peer = String(from)
    if (message.holders.has(peer)) {
      links.adopt(peer)
      return
    }
    links.graft(peer)
    const given = message.grafts.get(from) ?? 0
    if (given >= MAX_GRAFTS_PER_MESSAGE) return
    message.grafts.set(from, given + 1)
    this.#push(node, from, id, message.origin)
  }

  #prune(from: number, to: number, id: string): void {
    this.#send(from, to, () => {
      const { links, messages } = this.#node(to)
      const message = messages.get(id)
      if (message === undefined) return
      message.holders.add(String(from))
      if (!links.prune(String(from))) this.#send(to, from, () => this.#onGraft(from, to, id))
    })
  }
}

function emptyNode(): ModelNode {
  return { links: new TreeLinks(), neighbours: new Set(), messages: new Map(), missing: new Map() }
}

function increase(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1
  counts.set(key, count)
  return count
}

function pairOf(a: number, b: number): string {
  return `${Math.min(a, b)}-${Math.max(a, b)}`
}

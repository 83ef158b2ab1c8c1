import { TREE_CHILD_MS, TREE_PARENT_MS, TREE_ROOT_MS, TREE_UNDER_WAY_MS } from './constants.ts'

/** One more copy of a message: who brought it, who brought the first, and who wrote it, as the frame claims. */
export interface TreeCopy {
  from: string
  /** `undefined` where the message is our own. */
  first: string | undefined
  origin: string
}

/**
 * Which neighbours of one topic are sent its messages, and which are only told of them, as in Plumtree (Leitão,
 * Pereira, Rodrigues: Epidemic Broadcast Trees, 2007). A link over which a copy came too late is pruned, so that the
 * links that are left become a tree; who misses a message grafts the link to a neighbour that has it.
 *
 * Several authors at once would have each node prune, for the one, the link by which it hears the other. So the tree has
 * a root, as that of bridges has (IEEE 802.1D): the author with the lowest id that was heard of late. Only copies of its
 * messages prune links, and the link by which a node hears it first, that to its parent, is pruned by neither end.
 */
export class TreeLinks {
  /** Since when links have been pruned. */
  readonly #lazy = new Map<string, number>()
  /** When neighbours said that we are their parent; by now they may have another. */
  readonly #children = new Map<string, number>()
  #parent: { peer: string; heardAtMs: number } | undefined
  #root: { origin: string; heardAtMs: number } | undefined

  /** The neighbour that we hear the root by. */
  get parent(): string | undefined {
    return this.#parent?.peer
  }

  /** Whether messages are sent to this neighbour, not only told of. */
  isEager(peer: string): boolean {
    return !this.#lazy.has(peer)
  }

  /** Forgets all that are neighbours no more. */
  keep(neighbours: ReadonlySet<string>): void {
    for (const peers of [this.#lazy, this.#children]) {
      for (const peer of peers.keys()) if (!neighbours.has(peer)) peers.delete(peer)
    }
    if (this.#parent !== undefined && !neighbours.has(this.#parent.peer)) this.#parent = undefined
  }

  /** A neighbour was the first with a message, or we wrote it ourselves: `from` is `undefined` then. */
  first(from: string | undefined, origin: string): void {
    this.#mend(from)
    const isNewRoot = origin !== this.#root?.origin
    if (!this.#refer(origin)) return
    const heardAtMs = performance.now()
    // Messages that follow each other closely overtake each other: one that another was first with moves nothing.
    const isHeard = this.#parent !== undefined && heardAtMs - this.#parent.heardAtMs < TREE_PARENT_MS
    if (!isNewRoot && isHeard && from !== this.parent) return
    // What came by a pruned link was under way before.
    this.#parent = from === undefined || this.#lazy.has(from) ? undefined : { peer: from, heardAtMs }
  }

  /** A further copy came. Returns the neighbour that is to send us no more, if there is one. */
  copy({ from, first, origin }: TreeCopy): string | undefined {
    if (!this.#refer(origin)) return undefined
    const late = [from, first].find((peer) => peer !== undefined && peer !== this.parent && !this.#isChild(peer))
    if (late !== undefined) this.#lazy.set(late, performance.now())
    return late
  }

  /** Messages go over the link to this neighbour again. */
  graft(peer: string): void {
    this.#lazy.delete(peer)
  }

  /** A neighbour does not let itself be pruned: it hears the root by us. */
  adopt(child: string): void {
    this.#lazy.delete(child)
    this.#children.set(child, performance.now())
  }

  /** A neighbour wants to be sent no more. Returns `false` where that is refused: we hear the root by it. */
  prune(peer: string): boolean {
    if (peer === this.parent) return false
    this.#children.delete(peer)
    this.#lazy.set(peer, performance.now())
    return true
  }

  /** Who still sends, and is the first, has not heard that the link was pruned, or has grafted it since: so it is needed. */
  #mend(from: string | undefined): void {
    if (from === undefined) return
    const sinceMs = this.#lazy.get(from)
    if (sinceMs !== undefined && performance.now() - sinceMs >= TREE_UNDER_WAY_MS) this.#lazy.delete(from)
  }

  #isChild(peer: string): boolean {
    const saidAtMs = this.#children.get(peer)
    return saidAtMs !== undefined && performance.now() - saidAtMs < TREE_CHILD_MS
  }

  /** Takes note of an author. Returns whether it is the root. */
  #refer(origin: string): boolean {
    const nowMs = performance.now()
    const root = this.#root
    const isHeard = root !== undefined && nowMs - root.heardAtMs < TREE_ROOT_MS
    if (isHeard && origin > root.origin) return false
    this.#root = { origin, heardAtMs: nowMs }
    return true
  }
}

import type { PeerId } from '@libp2p/interface'
import { MAX_TREE_NEIGHBOURS, MIN_TREE_OUTSIDERS } from './constants.ts'
import type { GossipRouter } from './gossip-router.ts'
import type { Peers } from './peers.ts'
import { TreeLinks } from './tree-links.ts'

/** What the trees are made from. */
export interface TreesInit {
  /** Share of the subscribers outside of the mesh that are told of messages, 0 to 1. */
  gossipFactor: number
  peers: Pick<Peers, 'isReachable'>
  router: Pick<GossipRouter, 'isSubscribed' | 'mesh' | 'subscribers'>
}

/** Where a message of one topic goes next. */
export interface Branches {
  /** Are sent it. */
  eager: PeerId[]
  /** Are told of it. */
  lazy: PeerId[]
}

/** As many of a list, at random; the list is used up. */
function drawn<T>(from: T[], count: number): T[] {
  const chosen: T[] = []
  while (chosen.length < count && from.length > 0) {
    chosen.push(...from.splice(Math.floor(Math.random() * from.length), 1))
  }
  return chosen
}

/** The tree of each topic, within the mesh that gossipsub keeps for it. */
export class Trees {
  readonly #init: TreesInit
  readonly #links = new Map<string, TreeLinks>()

  constructor(init: TreesInit) {
    this.#init = init
  }

  /** The links of a topic, while we subscribe to it. */
  links(wireTopic: string): TreeLinks | undefined {
    if (!this.#init.router.isSubscribed(wireTopic)) {
      this.#links.delete(wireTopic)
      return undefined
    }
    const links = this.#links.get(wireTopic) ?? new TreeLinks()
    this.#links.set(wireTopic, links)
    return links
  }

  /** The peer of this name, if it is in the mesh. */
  neighbour(wireTopic: string, id: string): PeerId | undefined {
    return this.#init.router.mesh(wireTopic).find((peer) => peer.toString() === id)
  }

  /** Where a message goes, but to those that have it. */
  branches(wireTopic: string, holders: ReadonlySet<string>): Branches {
    const { peers, router } = this.#init
    const isReachable = (peer: PeerId): boolean => peers.isReachable(peer)
    const isMissing = (peer: PeerId): boolean => !holders.has(peer.toString())
    const missing = (): PeerId[] => router.subscribers(wireTopic).filter((peer) => isReachable(peer) && isMissing(peer))
    const links = this.links(wireTopic)
    // Who is in no mesh is no part of the tree: two ways in would have the tree pruned between them.
    if (links === undefined) {
      const [first, ...others] = missing()
      // Others each time: those who were there first may be of those that pass nothing on, all of them.
      return { eager: first === undefined ? [] : [first], lazy: drawn(others, MAX_TREE_NEIGHBOURS - 1) }
    }
    const mesh = router.mesh(wireTopic).filter(isReachable)
    if (mesh.length === 0) return { eager: missing().slice(0, MAX_TREE_NEIGHBOURS), lazy: [] }
    links.keep(new Set(mesh.map(String)))
    const { eager = [], lazy = [] } = Object.groupBy(mesh.filter(isMissing), (peer) =>
      links.isEager(peer.toString()) ? 'eager' : 'lazy',
    )
    return { eager, lazy }
  }

  /** The topics that have a tree. Forgets those that we subscribe to no more. */
  topics(): string[] {
    return [...this.#links.keys()].filter((wireTopic) => this.links(wireTopic) !== undefined)
  }

  /** Some subscribers outside of the mesh, at random: all neighbours of a node may be of those that pass nothing on. */
  outsiders(wireTopic: string): PeerId[] {
    const { gossipFactor, peers, router } = this.#init
    const mesh = new Set(router.mesh(wireTopic).map(String))
    const outside = router
      .subscribers(wireTopic)
      .filter((peer) => !mesh.has(peer.toString()) && peers.isReachable(peer))
    return drawn(outside, Math.max(MIN_TREE_OUTSIDERS, Math.ceil(outside.length * gossipFactor)))
  }

  clear(): void {
    this.#links.clear()
  }
}

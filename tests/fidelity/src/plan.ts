/** Nodes of the scenario. */
export const NODES = 20
/** Time from one node to its neighbour, one way, in ms: so long that the delays of code do not matter beside it. */
export const LINK_MS = 150
/** Messages, each by another author. */
export const MESSAGES = 8
export const MESSAGE_BYTES = 1_024
export const TOPIC = 'news'
/** The node that dies without a word to anybody, just before this message. */
export const CRASH = { node: 7, beforeMessage: 5 } as const
/** Each node has 6 neighbours: as many as `Dlo` of the meshes, so that none is left out, and no more than `D`. */
const STRIDES = [1, 3, 7] as const
const AUTHOR_STRIDE = 3

/** A message that arrived. */
export interface Arrival {
  readonly message: number
  readonly node: number
  /** Since it was published, in ms. */
  readonly delayMs: number
}

/** Whom a node dials. */
export function dialledBy(node: number): number[] {
  return STRIDES.map((stride) => (node + stride) % NODES)
}

/** Whom a node is connected with, either way, while those in `gone` are not there. */
export function neighboursOf(node: number, gone: ReadonlySet<number>): number[] {
  const all = STRIDES.flatMap((stride) => [(node + stride) % NODES, (node - stride + NODES) % NODES])
  return all.filter((other) => !gone.has(other))
}

/** Who publishes a message. */
export function authorOf(message: number): number {
  return (message * AUTHOR_STRIDE) % NODES
}

/** The nodes that are gone when a message is published. */
export function goneAt(message: number): ReadonlySet<number> {
  return new Set(message >= CRASH.beforeMessage ? [CRASH.node] : [])
}

/** Links between the author of a message and each node that is there. */
export function distances(message: number): ReadonlyMap<number, number> {
  const gone = goneAt(message)
  const distance = new Map([[authorOf(message), 0]])
  for (const [node, links] of distance) {
    for (const next of neighboursOf(node, gone)) if (!distance.has(next)) distance.set(next, links + 1)
  }
  return distance
}

/** The bytes of a message, which begin with its number. */
export function bytesOf(message: number): Uint8Array {
  return new Uint8Array(MESSAGE_BYTES).fill(message)
}

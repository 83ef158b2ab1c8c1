import type { Node } from './stage.ts'

/** Nodes with even numbers, and those with odd ones. */
export function halves(nodes: readonly Node[]): [Node[], Node[]] {
  return [nodes.filter(({ index }) => index % 2 === 0), nodes.filter(({ index }) => index % 2 === 1)]
}

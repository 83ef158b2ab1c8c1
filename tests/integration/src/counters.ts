import type { GridmeshNode } from '@gridmesh/node'

/** Sum of a counter of a node over the labels that fit, from the text that Prometheus would read. */
export async function counter(node: GridmeshNode, name: string, label = ''): Promise<number> {
  const lines = (await node.metrics.scrape()).split('\n')
  return lines
    .filter((line) => line.startsWith(name) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

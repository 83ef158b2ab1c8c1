import type { PlannedNode } from '../devnet/plan.ts'
import { DEFAULT_DATA } from './options.ts'

/** Commands to try on a devnet of these nodes, which are one or more. */
export function hintsFor(nodes: readonly Pick<PlannedNode, 'name' | 'role'>[], data: string): string[] {
  const authority = nodes[0]?.name ?? ''
  const trader = nodes.find(({ role }) => role !== 'authority')?.name ?? authority
  const where = data === DEFAULT_DATA ? '' : ` --data ${data}`
  return [
    `npm run gridmesh -- submit examples/data/orders.csv --node ${trader}${where}`,
    `npm run gridmesh -- emergency --node ${authority}${where} --zone bangkok --action reduce-load`,
  ]
}

/** The command that brings a node of a devnet back as it was: what its profile says is not in its configuration file. */
export function restartCommand({ config }: { config: string }, profile: string): string {
  return `npm run gridmesh -- start --profile ${profile} --config ${config}`
}

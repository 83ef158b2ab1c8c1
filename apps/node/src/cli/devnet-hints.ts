import type { PlannedNode } from '../devnet/plan.ts'
import { asCalled, IS_INSTALLED } from './launcher.ts'
import { DEFAULT_DATA } from './options.ts'

/** Commands to try on a devnet of these nodes, which are one or more. */
export function hintsFor(
  nodes: readonly Pick<PlannedNode, 'name' | 'role'>[],
  data: string,
  isInstalled: boolean = IS_INSTALLED,
): string[] {
  const authority = nodes[0]?.name ?? ''
  const trader = nodes.find(({ role }) => role !== 'authority')?.name ?? authority
  const where = data === DEFAULT_DATA ? '' : ` --data ${data}`
  const first = isInstalled ? 'gridmesh peers' : 'gridmesh submit examples/data/orders.csv'
  return [
    `${first} --node ${trader}${where}`,
    `gridmesh emergency --node ${authority}${where} --zone bangkok --action reduce-load`,
  ].map((hint) => asCalled(hint, isInstalled))
}

/** The command that brings a node of a devnet back as it was: what its profile says is not in its configuration file. */
export function restartCommand({ config }: { config: string }, profile: string): string {
  return asCalled(`gridmesh start --profile ${profile} --config ${config}`)
}

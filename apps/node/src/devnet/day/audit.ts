import { ASSETS } from '@gridmesh/ledger'
import { NodeClient } from '../../cli/client.ts'
import { chainInfo, zonesView } from '../../http/chain/schemas.ts'
import type { PreparedNode } from '../files.ts'

/** What the nodes of a devnet say of their chains, compared. */
export interface DayAudit {
  /** Of the newest block, of the first node. */
  height: number
  stateRoot: string
  /** Whether all nodes have that block and that state. */
  agree: boolean
  /** Whether on every node the outputs of each asset hold what was minted and not burned. */
  exact: boolean
}

/** Asks every node for its chain and its state, and compares. The chain has to rest meanwhile. */
export async function auditNodes(nodes: readonly PreparedNode[]): Promise<DayAudit> {
  const found = await Promise.all(nodes.map(async ({ url }) => auditNode(new NodeClient(url))))
  const [first] = found
  return {
    height: first?.height ?? 0,
    stateRoot: first?.stateRoot ?? '',
    agree: found.every(({ hash, stateRoot }) => hash === first?.hash && stateRoot === first?.stateRoot),
    exact: found.every(({ isExact }) => isExact),
  }
}

async function auditNode(
  client: NodeClient,
): Promise<{ height: number; hash: string; stateRoot: string; isExact: boolean }> {
  const { zones } = await client.get('/state/zones', zonesView)
  const { height, hash, state_root: stateRoot, supplies } = await client.get('/chain/info', chainInfo)
  const isExact = ASSETS.every((asset) => {
    const held = zones.reduce((sum, zone) => sum + zone.held[asset], 0)
    return held === supplies[asset].minted - supplies[asset].burned
  })
  return { height, hash, stateRoot, isExact }
}

import { setTimeout as delay } from 'node:timers/promises'
import { ASSETS } from '@gridmesh/ledger'
import { NodeClient } from '../../cli/client.ts'
import { chainInfo, zonesView } from '../../http/chain/schemas.ts'
import type { PreparedNode } from '../files.ts'
import { unlessMoving } from './unless-moving.ts'

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

/** What one node says of its chain and of its state, which it was asked for one after the other. */
interface NodeView {
  height: number
  hash: string
  stateRoot: string
  /** The block of the state whose outputs were added up. */
  heldAt: string
  isExact: boolean
}

/** Time between two looks at the nodes, in ms. */
const POLL_MS = 50
/** Time that the nodes may take to be seen at one block, in ms: a chain makes blocks also where there is nothing to do. */
const DEADLINE_MS = 30_000

/**
 * Asks every node for its chain and its state, and compares: again while a block comes in between, and until the deadline,
 * so that only nodes that stay apart are said to disagree.
 */
export async function auditNodes(
  nodes: readonly Pick<PreparedNode, 'url'>[],
  { signal, deadlineMs = DEADLINE_MS }: { signal: AbortSignal; deadlineMs?: number },
): Promise<DayAudit> {
  const clients = nodes.map(({ url }) => new NodeClient(url))
  const endMs = performance.now() + deadlineMs
  for (;;) {
    const seen = await Promise.all(clients.map(async (client) => unlessMoving(viewOf(client))))
    const views = seen.filter((view) => view !== undefined)
    const [first] = views
    const verdict = {
      height: first?.height ?? 0,
      stateRoot: first?.stateRoot ?? '',
      agree: views.length === nodes.length && isOne(views),
      exact: views.length === nodes.length && views.every(({ isExact }) => isExact),
    }
    if ((verdict.agree && verdict.exact) || signal.aborted || performance.now() >= endMs) return verdict
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** Whether all of them are of one block, and of one state. */
function isOne([first, ...others]: readonly NodeView[]): boolean {
  if (first === undefined) return true
  const { hash, stateRoot } = first
  return (
    first.heldAt === hash &&
    others.every((each) => each.hash === hash && each.heldAt === hash && each.stateRoot === stateRoot)
  )
}

async function viewOf(client: NodeClient): Promise<NodeView> {
  const { at, zones } = await client.get('/state/zones', zonesView)
  const { height, hash, state_root: stateRoot, supplies } = await client.get('/chain/info', chainInfo)
  const isExact = ASSETS.every((asset) => {
    const held = zones.reduce((sum, zone) => sum + zone.held[asset], 0)
    return held === supplies[asset].minted - supplies[asset].burned
  })
  return { height, hash, stateRoot, heldAt: at.hash, isExact }
}

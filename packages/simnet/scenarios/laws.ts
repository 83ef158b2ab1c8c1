import type { Invariant, SimNode, SimulationContext } from '@gridmesh/simnet'
import type { Accounts } from './accounts.ts'
import type { SimServices } from './app.ts'
import type { Calls } from './calls.ts'
import type { NodeKit, NodeSettings } from './scenario.ts'
import type { Stage } from './stage.ts'
import { isUp } from './up.ts'

/** What the laws look at. */
export interface LawsInit {
  readonly kit: NodeKit
  readonly accounts: Accounts
  readonly calls: Calls
  readonly honest: number
  readonly settings: (index: number) => NodeSettings
  /** Once the scenario has begun. */
  readonly stage: () => Stage | undefined
}

type Context = SimulationContext<SimServices>
type Node = SimNode<SimServices>

/** The first fault among the honest nodes that are up. */
function among({ nodes }: Context, honest: number, fault: (node: Node) => string | undefined): string | undefined {
  for (const node of nodes.slice(0, honest)) {
    const found = isUp(node) ? fault(node) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** Laws that hold at any time, whatever goes wrong. */
export function laws({ kit, accounts, calls, honest, settings, stage }: LawsInit): Invariant<SimServices>[] {
  return [
    {
      name: 'no-honest-peer-banned',
      check: (context) =>
        among(context, honest, ({ index, services }) => {
          const banned = services.peerManager.stats().byState.banned === 0 ? undefined : findBanned(services, stage())
          return banned === undefined ? undefined : `Node ${index} bans ${banned}`
        }),
    },
    {
      name: 'memory-bounded',
      everyMs: 5_000,
      check: (context) =>
        among(context, honest, ({ index, services }) => {
          for (const { name, used, limit } of kit.usage(services, settings(index))) {
            if (used > limit) return `Node ${index} holds ${used} of ${name}, at most ${limit} are allowed`
          }
          return undefined
        }),
    },
    {
      name: 'connected-is-known',
      everyMs: 5_000,
      check: (context) =>
        among(context, honest, ({ index, libp2p, services }) => {
          const stranger = libp2p.getPeers().find((peer) => services.peerManager.get(peer) === undefined)
          return stranger === undefined
            ? undefined
            : `Node ${index} is connected to ${stranger.toString()}, and has no record of it`
        }),
    },
    {
      name: 'publish-accounted',
      check: ({ clock }) => {
        const witness = stage()
        return witness === undefined ? undefined : accounts.fault(clock.nowMs, witness)
      },
    },
    { name: 'call-ends', check: ({ clock }) => calls.fault(clock.nowMs) },
  ]
}

/** An honest peer that is banned, with what led to it. */
function findBanned({ peerManager }: SimServices, stage: Stage | undefined): string | undefined {
  for (const [peer, { id, state }] of peerManager.peers) {
    const index = state === 'banned' ? stage?.honestIndexOf(peer) : undefined
    if (index !== undefined) return `honest node ${index}: ${peerManager.explain(id).join('; ')}`
  }
  return undefined
}

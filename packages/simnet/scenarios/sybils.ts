import type { SimNode } from '@gridmesh/simnet'
import type { SimServices } from './app.ts'
import type { Stage } from './stage.ts'

const ATTACK_MS = 30_000
/** Under attack gossip has to ask for what the mesh did not bring: some heartbeats more. */
const UNDER_ATTACK_MS = 15_000

/** As many attackers as honest nodes. */
export function half(nodes: number): number {
  return Math.floor(nodes / 2)
}

/** Lets each of some nodes connect to each of others, at random moments of a second. */
export async function swarm(
  stage: Stage,
  from: readonly SimNode<SimServices>[],
  to: readonly SimNode<SimServices>[],
): Promise<void> {
  await Promise.all(
    from.map(async (attacker) => {
      for (const target of to) {
        await stage.clock.sleep((stage.random() * 1_000) / to.length)
        // Whom the pool refuses stays outside.
        if (target.status === 'up' && attacker.status === 'up') await attacker.dial(target).catch(() => {})
      }
    }),
  )
}

/** The attack begins; all the same, what some honest nodes publish reaches all honest nodes. Then it ends. */
export async function withstand(stage: Stage, law: string, authors = stage.honest): Promise<void> {
  stage.attack.isOn = true
  await stage.clock.sleep(ATTACK_MS)
  await stage.prove(`${law}: under attack`, { authors, withinMs: UNDER_ATTACK_MS })
  await stage.prove(`${law}: alarms under attack`, { authors, kind: 'critical', withinMs: UNDER_ATTACK_MS })
  stage.proveAttack(law)
  await stage.calm()
  await stage.prove(`${law}: after the attack`)
}

/** Takes nodes out of the network, so that they can come later. */
export function keepAway(stage: Stage, nodes: readonly SimNode<SimServices>[]): void {
  for (const node of nodes) stage.network.crash(node)
}

/** Lets nodes that were kept away come, within a time, with nothing stored. */
export async function arrive(stage: Stage, nodes: readonly SimNode<SimServices>[], withinMs: number): Promise<void> {
  await Promise.all(
    nodes.map(async (node) => {
      await stage.clock.sleep(stage.random() * withinMs)
      await stage.network.restart(node, { disk: false })
    }),
  )
}

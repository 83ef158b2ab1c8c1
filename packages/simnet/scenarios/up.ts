import type { SimNode } from '@gridmesh/simnet'
import type { SimServices } from './app.ts'

/** Whether a node runs, and is not about to stop. */
export function isUp({ status, libp2p }: SimNode<SimServices>): boolean {
  return status === 'up' && libp2p.status === 'started'
}

import type { Delivery } from '@gridmesh/interfaces'
import { vi } from 'vitest'
import type { MeshNode } from './mesh-node.ts'
import { SOON } from './mesh.ts'

/** Resolves when each of these nodes has each of these messages. */
export async function expectEachHas(nodes: readonly MeshNode[], texts: readonly string[]): Promise<void> {
  await vi.waitFor(() => {
    for (const { name, inbox } of nodes) {
      const missing = texts.filter((text) => inbox.count(text) === 0)
      if (missing.length > 0) throw new RangeError(`${name} lacks ${missing.length} messages, such as ${missing[0]}`)
    }
  }, SOON)
}

/** What became of a publish at each peer, in words. */
export function outcomes(delivery: Delivery): Record<string, string> {
  return Object.fromEntries(
    [...delivery.peers].map(([peer, outcome]) => [
      peer,
      outcome.status === 'dropped' ? `dropped: ${outcome.reason}` : outcome.status,
    ]),
  )
}

import type { Broadcast } from '@gridmesh/interfaces'
import type { BroadcastHarness } from '@gridmesh/interfaces/conformance'
import { memoryHub } from '../src/index.ts'
import { makeNodes, type TestNode } from './nodes.ts'

const MAX_MESSAGE_BYTES = 1_000

/** Networks of nodes on a hub each; `change` puts something else in the place of each broadcast. */
export function harness(change: (broadcast: Broadcast) => Broadcast = (broadcast) => broadcast): BroadcastHarness {
  const made = new Map<string, TestNode>()
  return {
    maxMessageBytes: MAX_MESSAGE_BYTES,
    // Every node is linked to each other, so that nothing needs to be passed on.
    relays: false,
    create: async (count, { deliveryLifetimeMs = 60_000 }) => {
      const nodes = await makeNodes(memoryHub({ maxMessageBytes: MAX_MESSAGE_BYTES, deliveryLifetimeMs }), count)
      for (const node of nodes) made.set(node.peerId.toString(), node)
      return {
        nodes: nodes.map(({ peerId, broadcast }) => ({ peerId, broadcast: change(broadcast) })),
        stop: () => {
          for (const { broadcast } of nodes) broadcast.stop()
        },
      }
    },
    blamedBy: ({ peerId }) => made.get(peerId.toString())?.reports.map(({ peer }) => peer) ?? [],
  }
}

import { type BroadcastHarness, type BroadcastNode, broadcastConformance } from '@gridmesh/interfaces/conformance'
import { expect, it } from 'vitest'
import {
  connectAll,
  connectLine,
  createNode,
  eventually,
  PATIENCE_MS,
  type TestNode,
  TestPeerManager,
} from './helpers/nodes.ts'

const TIMEOUT_MS = 3 * PATIENCE_MS
const MAX_MESSAGE_BYTES = 100_000

/** Every node that was made, by peer id string. */
const made = new Map<string, TestNode>()

function nodeOf({ peerId }: BroadcastNode): TestNode {
  return made.get(peerId.toString()) ?? expect.fail('the suite names a node that was not made')
}

/** Has the manager of each node hold the peers it is linked to. */
function meet(nodes: readonly TestNode[]): void {
  for (const { libp2p, manager } of nodes) for (const peer of libp2p.getPeers()) manager?.hold(peer)
}

const harness: BroadcastHarness = {
  patienceMs: PATIENCE_MS,
  maxMessageBytes: MAX_MESSAGE_BYTES,
  create: async (count, { links, deliveryLifetimeMs }) => {
    const nodes: TestNode[] = []
    for (let index = 0; index < count; index++) {
      const manager = new TestPeerManager()
      const lifetime = deliveryLifetimeMs === undefined ? {} : { deliveryLifetimeMs }
      const node = await createNode({ manager, maxMessageBytes: MAX_MESSAGE_BYTES, meshWaitMs: 200, ...lifetime })
      made.set(node.peerId.toString(), node)
      nodes.push(node)
    }
    await (links === 'all' ? connectAll(nodes) : connectLine(nodes))
    meet(nodes)
    return {
      nodes,
      // One after the other: two that close the same streams at once wait for each other.
      stop: async () => {
        for (const { libp2p } of nodes) await libp2p.stop()
      },
    }
  },
  // Each is in the mesh of those that it is linked to: what gossip passed on before, a late one would miss.
  ready: async (subscribers, topic) => {
    const nodes = subscribers.map(nodeOf)
    await eventually(() => {
      for (const node of nodes) {
        const linked = nodes.filter(({ peerId }) => node.libp2p.getConnections(peerId).length > 0)
        if (node.broadcast.mesh(topic).length < linked.length) throw new RangeError('the mesh is not complete')
      }
    })
  },
  // A handler's bytes are those that are passed on.
  ownBytes: false,
  blamedBy: (node) => {
    const reports = nodeOf(node).manager?.reports ?? []
    return reports.filter(({ report }) => report.class === 'invalid-message').map(({ peer }) => peer)
  },
}

it.each(broadcastConformance(harness).map(({ name, run }) => [name, run] as const))(
  '%s',
  async (_, run) => {
    await expect(run()).resolves.toBeUndefined()
  },
  TIMEOUT_MS,
)

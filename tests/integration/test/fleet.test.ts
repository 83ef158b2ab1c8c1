import { Fleet } from '@gridmesh-internal/support'
import { afterAll, beforeAll, expect, it } from 'vitest'

const NODES = 30
/** Time that all nodes have to find each other, however busy the machine is, in ms. */
const START_MS = 180_000
/** Longest time that a node may be below its minimum while others come and go, in ms. */
const MAX_BELOW_MS = 30_000

let fleet: Fleet
beforeAll(async () => {
  const flags = {
    'p2p.minPeers': 8,
    'discovery.targetPeers': 12,
    'discovery.strategies': ['stored', 'bootstrap', 'peer-exchange'],
  }
  fleet = await Fleet.start({ nodes: NODES, processes: 2, flags })
}, START_MS)
afterAll(() => fleet.stop())

it('brings 30 nodes from one bootstrap node to 8 peers each', () => {
  const reached = [...fleet.nodes.values()].filter(({ toMinimumMs }) => toMinimumMs !== undefined)
  expect(reached).toHaveLength(NODES - 1)
})

it('keeps everybody at the minimum while the bootstrap node is gone for good and a tenth comes and goes', async () => {
  await fleet.killBootstrap()
  const names = [...fleet.nodes.keys()]
  // Those that come back know nobody but the dead bootstrap node and what they wrote down.
  for (const name of [names[0], names[10], names[20]]) await fleet.restart(name ?? '')
  await fleet.whenMinimumMet(MAX_BELOW_MS)
  expect(fleet.longestBelowMs).toBeLessThan(MAX_BELOW_MS)
})

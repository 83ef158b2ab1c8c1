import { broadcast, type BroadcastService } from '@gridmesh/broadcast'
import { healthMonitor, type HealthService } from '@gridmesh/health-monitor'
import { peerManager, type PeerManagerService } from '@gridmesh/peer-manager'
import { expect, it, vi } from 'vitest'
import { createSimulation, type SimulationInit, type SimulationResult, thailandLatency } from '../src/index.ts'
import { at } from './support.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

type Services = { peerManager: PeerManagerService; health: HealthService; broadcast: BroadcastService }

/** Two messages among nodes with services of this repository, as they are. */
async function play(init: Partial<SimulationInit<Services>>): Promise<SimulationResult> {
  const sim = createSimulation<Services>({
    seed: 7,
    nodes: 8,
    links: { latency: thailandLatency(), jitterMs: 2 },
    services: () => ({
      peerManager: peerManager(),
      health: healthMonitor({ pingIntervalMs: 5_000 }),
      broadcast: broadcast({ chainId: 'sim' }),
    }),
    ...init,
  })
  return sim.run(async ({ nodes, network, clock, deliveries, expect: check }) => {
    await network.connectAll({ degree: 3 })
    for (const node of nodes) {
      await node.run(({ broadcast: own }) =>
        own.subscribe('news', (bytes) => {
          deliveries.delivered(`${bytes[0]}`, node.index)
          return 'accept'
        }),
      )
    }
    await clock.sleep(10_000)
    for (const number of [0, 1]) {
      deliveries.published(`${number}`, nodes.length - 1)
      await at(nodes, number).run(({ broadcast: own }) => own.publish('news', new Uint8Array(512).fill(number)))
      await clock.sleep(2_000)
    }
    const { connected } = at(nodes, 0).services.peerManager.stats().byState
    check('the peer manager knows the links', connected === at(nodes, 0).libp2p.getPeers().length, `${connected}`)
    check('nobody is thought to be gone', at(nodes, 0).services.health.network().connectedPeers > 0)
  })
}

it.each(['host', 'stack'] as const)(
  'runs broadcast, peer-manager and health-monitor unchanged at level %s',
  { timeout: 60_000 },
  async (level) => {
    const first = await play({ level })
    expect(first).toMatchObject({ deliveredRatio: 1, violations: [] })
    expect(first.p99Ms).toBeLessThan(1_000)
    expect((await play({ level })).traceHash).toBe(first.traceHash)
  },
)

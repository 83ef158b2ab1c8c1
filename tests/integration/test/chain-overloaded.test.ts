import { Network } from '@gridmesh-internal/support'
import { healthMonitor, type LoopMonitor } from '@gridmesh/health-monitor'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { chainOf } from '../src/chain.ts'

/** More than a node may be behind without a sync, and few enough for an overloaded peer. */
const BLOCKS = 6
const soon = { timeout: 20_000, interval: 20 }
let network: Network

const heightOf = (index: number): number => chainOf(network.node(index)).chain.head.height

/** An event loop that is always late, by half a millisecond more than timers are exact to. */
function lateLoop(resolutionMs: number): LoopMonitor {
  return { mean: (resolutionMs + 1.5) * 1e6, enable() {}, disable() {}, reset() {} }
}

beforeAll(async () => {
  const modules = { health: healthMonitor({ busyDelayMs: 0.1, overloadedDelayMs: 0.2, createLoopMonitor: lateLoop }) }
  network = await Network.start({ nodes: 4, flags: { 'chain.maxBlockIntervalMs': 350 }, modules })
}, 30_000)
afterAll(async () => network.stop(), 30_000)

it('catches up with peers that are overloaded all the time', async () => {
  const { health } = network.node(0).libp2p.services
  await vi.waitFor(() => expect(health.load).toBe('overloaded'), soon)
  await network.node(3).stop()
  const target = heightOf(0) + BLOCKS
  await vi.waitFor(() => expect(heightOf(0)).toBeGreaterThanOrEqual(target), soon)
  await network.restart(3)
  await vi.waitFor(() => expect(heightOf(3)).toBeGreaterThanOrEqual(heightOf(0) - 1), soon)
  expect(health.load).toBe('overloaded')
  // Nothing that it asked for was refused.
  for (const index of [0, 1, 2]) expect(await network.node(index).metrics.scrape()).not.toContain('reason="shed"')
  await vi.waitFor(() => expect(chainOf(network.node(3)).sync.status().last).toMatchObject({ status: 'synced' }), soon)
}, 60_000)

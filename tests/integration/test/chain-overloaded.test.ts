import { Network } from '@gridmesh-internal/support'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { chainOf } from '../src/chain.ts'

/** Above what is asked for at once of a node that refuses whatever can wait. */
const BLOCKS = 20
const soon = { timeout: 20_000, interval: 20 }
let network: Network

const heightOf = (index: number): number => chainOf(network.node(index)).chain.head.height

beforeAll(async () => {
  // Any delay of the event loop is too long, so that all nodes say that they are overloaded as long as they live.
  const load = { 'health.busyDelayMs': 0.000_1, 'health.overloadedDelayMs': 0.000_2 }
  network = await Network.start({ nodes: 4, flags: { 'chain.maxBlockIntervalMs': 350, ...load } })
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
  expect(chainOf(network.node(3)).sync.status().last?.imported).toBeGreaterThan(0)
}, 60_000)

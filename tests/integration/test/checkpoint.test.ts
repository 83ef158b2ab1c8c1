import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Network } from '@gridmesh-internal/support'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { blocksAt, chainOf, isStateWhole, payment } from '../src/chain.ts'

const soon = { timeout: 60_000, interval: 20 }
const EVERY = 2
let network: Network

beforeAll(async () => {
  // Blocks come with transactions, and afterwards the chain rests.
  network = await Network.start({ nodes: 4, flags: { 'chain.checkpointEvery': EVERY } })
}, 30_000)
afterAll(async () => network.stop(), 30_000)

it('begins anew at a final state that is fetched in pieces, goes on by blocks, and fetches the history later', async () => {
  const { chain } = chainOf(network.node(0))
  for (const payer of [0, 1, 2]) {
    const bytes = await payment(network, payer, 5)
    await chainOf(network.node(payer)).submit(bytes)
    await vi.waitFor(() => expect(chain.mempool.stats().removed).toEqual({ included: payer + 1 }), soon)
  }
  await vi.waitFor(() => expect(chain.stateReader.checkpoint()?.height).toBeGreaterThanOrEqual(EVERY), soon)

  await network.node(3).stop()
  rmSync(join(network.prepared[3]?.directory ?? '', 'chain'), { recursive: true })
  const joiner = await network.restart(3, { 'chain.checkpointBehind': 1 })
  const joined = chainOf(joiner)
  expect(joined.chain.head.height).toBe(0)
  await vi.waitFor(() => expect(joined.chain.head.height).toBeGreaterThanOrEqual(chain.head.height), soon)
  // It executed only what came after the checkpoint.
  expect(joined.sync.status().last).toMatchObject({ status: 'synced' })
  expect(joined.sync.status().last?.imported).toBeLessThan(chain.head.height)
  const { height } = joined.chain.head
  expect(new Set(await blocksAt(network.nodes, height)).size).toBe(1)
  expect(await isStateWhole(joiner)).toBe(true)
  const blocks = await chain.backend.headers(0, height + 1)
  await vi.waitFor(async () => expect(await joined.chain.backend.headers(0, height + 1)).toEqual(blocks), soon)
}, 120_000)

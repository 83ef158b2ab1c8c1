import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Network, spawnGridmesh } from '@gridmesh-internal/support'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { call } from '../src/api.ts'
import { blockKind, blocksAt, blockUpon, chainOf, isStateWhole, payment } from '../src/chain.ts'

const MAX_INTERVAL_MS = 700
const soon = { timeout: 15_000, interval: 20 }
let network: Network

const heightOf = (index: number): number => chainOf(network.node(index)).chain.head.height

/** Resolves when the chain of a node has come so far. */
async function untilHeight(index: number, height: number): Promise<void> {
  await vi.waitFor(() => expect(heightOf(index)).toBeGreaterThanOrEqual(height), soon)
}

/** All nodes have the same block where the highest is now, and each the state that its own head states. */
async function expectOneState(): Promise<void> {
  const height = Math.max(...network.nodes.map((_, index) => heightOf(index)))
  await vi.waitFor(async () => {
    const blocks = await blocksAt(network.nodes, height)
    expect(blocks).toEqual(blocks.map(() => blocks[0]))
    expect(blocks[0]).not.toBe('none')
  }, soon)
  expect(await Promise.all(network.nodes.map(isStateWhole))).toEqual(network.nodes.map(() => true))
}

beforeAll(async () => {
  network = await Network.start({ nodes: 4, flags: { 'chain.maxBlockIntervalMs': MAX_INTERVAL_MS } })
}, 30_000)
afterAll(async () => network.stop(), 30_000)

it('puts a transfer that was submitted at one node into a block on all, with one state', async () => {
  const bytes = await payment(network, 3, 5)
  expect(await chainOf(network.node(3)).submit(bytes)).toMatchObject({ status: 'added' })
  await vi.waitFor(() => {
    for (const node of network.nodes) {
      expect(chainOf(node).chain.mempool.stats().removed).toEqual({ included: 1 })
    }
  }, soon)
  await expectOneState()
  // It is spent now, for everybody.
  expect(await chainOf(network.node(0)).submit(bytes)).toMatchObject({ status: 'refused', code: 'already-applied' })
}, 30_000)

it('tells the status of its chain to peers: height in the handshake, and what is final beside', async () => {
  await vi.waitFor(() => {
    const seen = network.node(0).libp2p.services.peerManager.get(network.node(3).libp2p.peerId)
    expect(seen?.height).toBeGreaterThan(0)
    expect(seen?.hello?.capabilities).toContain('chain')
  }, soon)
  // A majority of three authorities makes a block final four blocks later.
  await vi.waitFor(() => expect(chainOf(network.node(3)).chain.finalised.height).toBeGreaterThan(0), soon)
}, 30_000)

it('blames who brings a block that is false, and goes on', async () => {
  const liar = network.node(3)
  const head = chainOf(liar).chain.head
  // It is no authority.
  const block = await blockUpon(network, head, { signer: 3, timeMs: Date.now() })
  await liar.libp2p.services.messages.broadcast(blockKind, block.bytes)
  for (const index of [0, 1, 2]) {
    const { peerManager } = network.node(index).libp2p.services
    await vi.waitFor(() => expect(peerManager.reputation(liar.libp2p.peerId)).toBeLessThan(0), soon)
    expect(await chainOf(network.node(index)).chain.backend.blocks([block.hash])).toEqual([undefined])
    expect(await network.node(index).metrics.scrape()).toMatch(
      /gridmesh_chain_blocks_refused_total\{code="[a-z-]+"\} 1/,
    )
  }
  await untilHeight(0, head.height + 3)
  await expectOneState()
}, 30_000)

it('punishes nobody for a block from the future', async () => {
  const carrier = network.node(2)
  const { peerManager } = network.node(1).libp2p.services
  const before = peerManager.stats().reports
  const head = chainOf(carrier).chain.head
  const block = await blockUpon(network, head, { signer: 0, timeMs: Date.now() + 5_000 })
  const delivery = await carrier.libp2p.services.messages.broadcast(blockKind, block.bytes)
  await vi.waitFor(() => expect(chainOf(network.node(1)).chain.stats().earlyBlocks).toBeGreaterThan(0), soon)
  expect(delivery.peers.size).toBeGreaterThan(0)
  await untilHeight(1, head.height + 3)
  expect(peerManager.stats().reports).toEqual({ ...before, useful: expect.any(Number) })
}, 30_000)

it('catches up after it was stopped, and does not say again what it fetched', async () => {
  await network.node(3).stop()
  const target = heightOf(0) + 5
  await untilHeight(0, target)
  const node = await network.restart(3)
  const { sync } = chainOf(node)
  // A run that finds nothing new may follow at once.
  let imported = sync.status().last?.imported ?? 0
  sync.addEventListener('sync:done', ({ detail }) => (imported += detail.imported))
  await untilHeight(3, target)
  await vi.waitFor(() => expect(imported).toBeGreaterThan(0), soon)
  const sent = 'gridmesh_message_router_sent_messages_total{kind="block"}'
  expect(await node.metrics.scrape()).not.toContain(sent)
  expect(await network.node(0).metrics.scrape()).toContain(sent)
  await expectOneState()
}, 30_000)

it('opens at a whole block after it was killed while it imported, and loses none that it had', async () => {
  await network.node(3).stop()
  const { config, url } = network.prepared[3] ?? { config: '', url: '' }
  await untilHeight(0, heightOf(0) + 4)
  const settings = ['--set', 'logs.level=silent', '--set', `chain.maxBlockIntervalMs=${MAX_INTERVAL_MS}`]
  const child = spawnGridmesh(['start', '--profile', 'gridtokenx', '--config', config, ...settings])
  const seen = await killAtBlock(child, url, heightOf(0) - 2)
  const node = await network.restart(3)
  expect(heightOf(3)).toBeGreaterThanOrEqual(seen)
  await untilHeight(3, heightOf(0))
  expect(chainOf(node).failure).toBeUndefined()
  await expectOneState()
}, 40_000)

it('brings a transfer into a block that was submitted while nobody else was there, by a node that restarted since', async () => {
  const bytes = await payment(network, 2, 7)
  for (const index of [0, 1, 2]) await network.node(index).stop()
  await vi.waitFor(() => expect(network.node(3).libp2p.getPeers()).toEqual([]), soon)
  expect(await chainOf(network.node(3)).submit(bytes)).toMatchObject({ status: 'added' })
  // What gossip would tell of it to who comes later is gone with the process: the mempool's log alone knows it.
  await network.node(3).stop()
  await network.restart(3)
  expect(chainOf(network.node(3)).chain.mempool.stats().transactions).toBe(1)
  for (const index of [0, 1, 2]) await network.restart(index)
  await vi.waitFor(() => expect(chainOf(network.node(3)).chain.mempool.stats().removed).toEqual({ included: 1 }), {
    ...soon,
    timeout: 40_000,
  })
  await expectOneState()
}, 60_000)

/** Kills a node at the first look at which it is at a height or above. Gives the height that it had said. */
async function killAtBlock(child: ChildProcess, url: string, height: number): Promise<number> {
  const exited = once(child, 'exit')
  try {
    return await vi.waitFor(async () => {
      const { data } = await call(url, '/node/info')
      expect(data['height']).toBeGreaterThanOrEqual(height)
      child.kill('SIGKILL')
      return Number(data['height'])
    }, soon)
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}

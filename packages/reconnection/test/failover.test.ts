import { expect, it, vi } from 'vitest'
import type { ReconnectionInit } from '../src/index.ts'
import { makeNode, type TestNode } from './nodes.ts'

const WAIT = { interval: 20 }

/** A client and the authorities it is to stay connected with. */
async function makeGrid(
  authorities: number,
  init: ReconnectionInit = {},
): Promise<{ client: TestNode; backbone: TestNode[] }> {
  const backbone: TestNode[] = []
  for (let i = 0; i < authorities; i++) backbone.push(await makeNode())
  const client = await makeNode({ bootstrap: backbone.map(({ address }) => address), ...init })
  await expectReadyWith(client, backbone)
  return { client, backbone }
}

/** Waits until `client` is ready with exactly these. */
async function expectReadyWith(client: TestNode, backbone: readonly TestNode[]): Promise<void> {
  const connected = () => client.service.peers().filter(({ status }) => status === 'connected')
  await vi.waitFor(() => {
    expect(backbone.map((node) => client.isReady(node))).toEqual(backbone.map(() => true))
    expect(connected()).toHaveLength(backbone.length)
  }, WAIT)
}

const first = (nodes: TestNode[]): [TestNode, TestNode[]] => {
  const [one, ...rest] = nodes
  if (one === undefined) throw new RangeError('there is no node')
  return [one, rest]
}

it('keeps all other links when a single authority fails, and wins that one back', async () => {
  const { client, backbone } = await makeGrid(3)
  const [failed, rest] = first(backbone)
  const links = rest.flatMap(({ id }) => client.libp2p.getConnections(id)).map(({ id }) => id)
  await failed.crash()
  await expectReadyWith(client, rest)
  await failed.up()
  await expectReadyWith(client, backbone)
  expect(rest.flatMap(({ id }) => client.libp2p.getConnections(id)).map(({ id }) => id)).toEqual(links)
})

it('wins back several authorities that fail at once, in whatever order they return', async () => {
  const { client, backbone } = await makeGrid(4)
  const [kept, failed] = first(backbone)
  await Promise.all(failed.map(async (node) => node.crash()))
  await expectReadyWith(client, [kept])
  for (const node of failed.toReversed()) await node.up()
  await expectReadyWith(client, backbone)
  expect(client.events.filter((event) => event !== 'attempt')).toEqual(Array.from({ length: 4 + 3 }, () => 'success'))
})

it('outlives a cascade: one authority after the other fails, until none is left, and all return', async () => {
  const { client, backbone } = await makeGrid(3)
  for (let left = backbone.length - 1; left >= 0; left--) {
    await backbone[left]?.crash()
    await expectReadyWith(client, backbone.slice(0, left))
  }
  // Long enough for every breaker to have opened: nobody may be given up by then.
  await vi.waitFor(() => {
    for (const { breakerHistory } of client.service.peers()) expect(breakerHistory.length).toBeGreaterThan(0)
  }, WAIT)
  for (const node of backbone) await node.up()
  await expectReadyWith(client, backbone)
  expect(client.events.filter((event) => event.startsWith('gave-up'))).toEqual([])
})

it('is back in the grid after a restart of its own', async () => {
  const { client, backbone } = await makeGrid(3)
  await client.crash()
  expect(client.service.peers()).toEqual([])
  await client.up()
  await expectReadyWith(client, backbone)
})

it('is back in the grid after a restart during which an authority was replaced by one on another chain', async () => {
  const { client, backbone } = await makeGrid(2)
  const [replaced, rest] = first(backbone)
  await client.down()
  await replaced.crash()
  replaced.chainId = 'other'
  await replaced.up()
  await client.up()
  await expectReadyWith(client, rest)
  await vi.waitFor(() => expect(client.service.state(replaced.id)?.status).toBe('given-up'), WAIT)
})

import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { loadNodeConfig } from '../src/config/load.ts'
import { createNode, type CreateNodeInit, type GridmeshNode } from '../src/node.ts'
import { someDirectory, writeGenesis } from './cli/network-files.ts'

/** A node on free ports, that meets nobody. */
async function someNode(
  flags: Record<string, unknown> = {},
  modules: CreateNodeInit['modules'] = {},
): Promise<GridmeshNode> {
  const directory = await someDirectory()
  const genesis = await writeGenesis(directory, 'test', '')
  const free = { 'p2p.port': 0, 'http.port': 0, 'discovery.strategies': ['stored'], 'logs.level': 'silent' }
  const { config } = loadNodeConfig({ flags: { genesis, dataDir: join(directory, 'data'), ...free, ...flags } })
  return createNode({ config, modules })
}

it('is stopped while it starts: nothing comes up any more, and all that came up is closed', async () => {
  const opening = Promise.withResolvers<void>()
  const discovery = { discoverNow: async () => 0, start: async () => opening.promise }
  const node = await someNode({}, { discovery: () => discovery })
  const starting = expect(node.start()).rejects.toThrow('stopped before it had started')
  const stopping = node.stop()
  opening.resolve()
  await starting
  expect((await stopping).steps.filter(({ outcome }) => outcome !== 'done')).toEqual([])
  expect([node.url, node.libp2p.status]).toEqual([undefined, 'stopped'])
  expect(await node.stopped).toBe(await stopping)
})

it('does not start once it was stopped', async () => {
  const node = await someNode()
  await node.stop()
  await expect(node.start()).rejects.toMatchObject({ name: 'NodeStoppedError', code: 'node-stopped' })
  expect(node.libp2p.status).toBe('stopped')
})

it('obeys an order to stop when its time has come, and not before', async () => {
  const node = await someNode({ obeySystemShutdown: true })
  const stop = vi.spyOn(node, 'stop')
  const order = (effectiveAtMs: number): void => {
    const value = { id: 'a', reason: 'a test', effectiveAtMs }
    node.feed.add({ kind: 'system-shutdown', sender: 'x', zones: [], timeMs: 0, receivedAtMs: 0, value })
  }
  order(Date.now() + 86_400_000)
  expect(stop).not.toHaveBeenCalled()
  order(Date.now())
  expect(stop).toHaveBeenCalledOnce()
  expect((await node.stopped).clean).toBe(true)
})

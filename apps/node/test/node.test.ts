import { join } from 'node:path'
import { serviceCapabilities } from '@libp2p/interface'
import { expect, it, vi } from 'vitest'
import { loadNodeConfig } from '../src/config/load.ts'
import { createNode, type CreateNodeInit } from '../src/create-node.ts'
import { someDirectory, writeGenesis } from './cli/network-files.ts'
import { someNode } from './some-node.ts'

type Modules = NonNullable<CreateNodeInit['modules']>
type Discovery = NonNullable<Modules['discovery']>

/** A module that does nothing but by these steps. */
const discoveryOf =
  (steps: Record<string, () => unknown>): Discovery =>
  () => ({ discoverNow: async () => 0, start: () => {}, stop: () => {}, ...steps })

const never = async (): Promise<void> => new Promise(() => {})
const fails = (): never => {
  throw new RangeError('broken')
}

it('is stopped while it starts: nothing comes up any more, and all that came up is closed', async () => {
  const opening = Promise.withResolvers<void>()
  const discovery = { discoverNow: async () => 0, start: async () => opening.promise }
  const node = await someNode({}, { discovery: () => discovery })
  const starting = node.start()
  const stopping = node.stop()
  opening.resolve()
  await expect(starting).rejects.toThrow('stopped before it had started')
  expect((await stopping).steps.filter(({ outcome }) => outcome !== 'done')).toEqual([])
  expect([node.url, node.libp2p.status]).toEqual([undefined, 'stopped'])
  expect(await node.stopped).toBe(await stopping)
})

it('is not built with a module of a name that there is not', async () => {
  const modules: object = { brodcast: () => ({}) }
  await expect(someNode({}, modules)).rejects.toThrow(/no module "brodcast"; there are identify, .*, broadcast, /)
})

it('does not start once it was stopped', async () => {
  const node = await someNode()
  await node.stop()
  await expect(node.start()).rejects.toMatchObject({ name: 'NodeStoppedError', code: 'node-stopped' })
  expect(node.libp2p.status).toBe('stopped')
})

it('does not start again once it was stopped, and its uptime ends', async () => {
  const node = await someNode()
  await node.start()
  await vi.waitUntil(() => node.uptimeMs > 0)
  await node.stop()
  expect(node.uptimeMs).toBe(0)
  await expect(node.start()).rejects.toMatchObject({ name: 'NodeStoppedError', code: 'node-stopped' })
})

it('tells how long it runs, and not by how much its clock was set', async () => {
  const node = await someNode()
  await node.start()
  const clock = vi.spyOn(Date, 'now')
  const atMs = Date.now()
  const HOUR_MS = 3_600_000
  for (const stepMs of [-HOUR_MS, HOUR_MS]) {
    clock.mockReturnValue(atMs + stepMs)
    expect(node.uptimeMs).toBeGreaterThanOrEqual(0)
    expect(node.uptimeMs).toBeLessThan(HOUR_MS)
  }
  clock.mockRestore()
  await node.stop()
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

it.each([
  ['beforeStart', fails],
  ['start', async () => Promise.reject(new RangeError('broken'))],
  ['afterStart', fails],
] as const)('closes all that came up where a module fails in `%s`, and says which', async (step, run) => {
  const node = await someNode({}, { discovery: discoveryOf({ [step]: run }) })
  await expect(node.start()).rejects.toMatchObject({
    name: 'ModuleFailedError',
    code: 'module-failed',
    module: 'discovery',
    step,
    message: `Module discovery failed in ${step}: broken`,
  })
  expect((await node.stopped).clean).toBe(true)
  expect([node.libp2p.status, node.libp2p.getMultiaddrs(), node.url]).toEqual(['stopped', [], undefined])
})

it('says of each module that it did not start', async () => {
  const ping = { ping: async () => 0, start: fails, stop: () => {}, [serviceCapabilities]: ['@libp2p/ping'] }
  const node = await someNode({}, { discovery: discoveryOf({ start: fails }), ping: () => ping })
  await expect(node.start()).rejects.toMatchObject({
    name: 'AggregateError',
    errors: expect.arrayContaining([
      expect.objectContaining({ module: 'ping', step: 'start' }),
      expect.objectContaining({ module: 'discovery', step: 'start' }),
    ]),
  })
})

it.each([
  ['beforeStop', fails],
  ['stop', fails],
  ['afterStop', fails],
  ['beforeStop', never],
  ['stop', never],
] as const)('stops all others where a module fails or hangs in `%s`, and says which', async (step, run) => {
  const node = await someNode({ shutdownGraceMs: 1_000 }, { discovery: discoveryOf({ [step]: run }) })
  await node.start()
  const { clean, steps } = await node.stop()
  expect(clean).toBe(false)
  expect(steps.filter(({ outcome }) => outcome !== 'done')).toMatchObject([
    { name: 'libp2p', outcome: 'failed', error: { module: 'discovery', step } },
  ])
  expect([node.libp2p.status, node.libp2p.getMultiaddrs()]).toEqual(['stopped', []])
})

it('stops though a module never comes to the end of its start, and stops it once it does', async () => {
  const opening = Promise.withResolvers<void>()
  const stop = vi.fn<() => void>()
  const node = await someNode({}, { discovery: discoveryOf({ start: async () => opening.promise, stop }) })
  const starting = node.start().catch((err: unknown) => err)
  expect((await node.stop()).clean).toBe(true)
  expect(await starting).toMatchObject({ code: 'node-stopped' })
  expect(node.libp2p.status).toBe('stopped')
  stop.mockClear()
  opening.resolve()
  await vi.waitFor(() => expect(stop).toHaveBeenCalledOnce())
})

it('says which module is none', async () => {
  const discovery = (() => undefined) as unknown as Discovery
  await expect(someNode({}, { discovery })).rejects.toMatchObject({
    message: 'Module discovery failed in factory: it gave undefined, and no object',
  })
})

it('leaves nothing open that a failed attempt to make a node has opened, its chain too', async () => {
  const directory = await someDirectory()
  const genesis = await writeGenesis(directory)
  const flags = { genesis, dataDir: join(directory, 'data'), 'chain.enabled': true, 'logs.level': 'silent' }
  const { config } = loadNodeConfig({ flags })
  const shutdown = (() => ({})) as unknown as NonNullable<Modules['shutdown']>
  await expect(createNode({ config, modules: { shutdown } })).rejects.toThrow(TypeError)
  const node = await createNode({ config })
  expect(node.chain).toBeDefined()
  expect((await node.stop()).clean).toBe(true)
})

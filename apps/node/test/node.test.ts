import { expect, it, vi } from 'vitest'
import { someNode } from './some-node.ts'

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

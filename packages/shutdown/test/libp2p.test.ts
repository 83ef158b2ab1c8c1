import type { CounterGroup, MetricOptions } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it, vi } from 'vitest'
import { shutdown, type ShutdownInit } from '../src/index.ts'

const PROTOCOL = '/test/1'
const nodes: { stop(): Promise<void> | void }[] = []

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
})

async function createNode(address: string, init: ShutdownInit = {}) {
  const node = await createLibp2p({
    addresses: { listen: [`/memory/${address}`] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    services: { shutdown: shutdown(init) },
  })
  nodes.push(node)
  return node
}

it('stops accepting, says goodbye, drains, closes, flushes and clears, in a node that serves another', async () => {
  const server = await createNode('shutdown-server')
  const client = await createNode('shutdown-client')
  const ending = server.services.shutdown
  const log: string[] = []
  const underWay = new Set<Promise<void>>()
  const arrived = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()

  await server.handle(PROTOCOL, async (stream) => {
    const answerLater = async (): Promise<void> => {
      await release.promise
      stream.send(Uint8Array.of(1))
      await stream.close()
      log.push('served')
    }
    const work = answerLater()
    underWay.add(work)
    arrived.resolve()
    await work
    underWay.delete(work)
  })
  const registry = new Map([['peer', client.peerId]])
  ending.register('close', 'libp2p', async () => server.stop())
  ending.register('flush', 'registry', () => {
    log.push(`flushed ${registry.size}`)
    registry.clear()
  })
  ending.register('drain', 'requests', async () => {
    release.resolve()
    await Promise.all(underWay)
    log.push('drained')
  })
  ending.register('stop-accepting', 'protocol', async () => {
    await server.unhandle(PROTOCOL)
    log.push('stopped accepting')
  })
  ending.register('goodbye', 'peers', async () => {
    const [connection] = client.getConnections()
    const refused = await connection?.newStream(PROTOCOL).then(
      () => 'accepted',
      (err: Error) => err.name,
    )
    log.push(`newcomer: ${refused}`)
  })
  ending.checkLeftovers({
    resources: () => [],
    checks: [
      { name: 'connections', count: () => server.getConnections().length },
      { name: 'requests', count: () => underWay.size },
      { name: 'peers', count: () => registry.size },
    ],
  })

  const connection = await client.dial(multiaddr('/memory/shutdown-server'))
  const stream = await connection.newStream(PROTOCOL)
  const answer = new Promise<number>((resolve) => {
    stream.addEventListener('message', ({ data }) => resolve(data.byteLength))
  })
  await arrived.promise
  const { steps, clean } = await ending.run()

  expect(await answer).toBe(1)
  expect(log).toEqual(['stopped accepting', 'newcomer: UnsupportedProtocolError', 'served', 'drained', 'flushed 1'])
  expect(steps.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done', 'done', 'done', 'done'])
  expect(clean).toBe(true)
  expect(server.status).toBe('stopped')
  await vi.waitFor(() => expect(client.getConnections()).toEqual([]))
})

it('is not run by libp2p, which may stop and start as it likes', async () => {
  const node = await createNode('shutdown-restarted')
  const ending = node.services.shutdown
  const step = vi.fn<() => void>()
  ending.register('close', 'step', step)
  await node.stop()
  await node.start()
  expect(step).not.toHaveBeenCalled()
  ending.register('close', 'libp2p', async () => node.stop())
  expect(await ending.run()).toMatchObject({ clean: true, steps: [{ name: 'step' }, { name: 'libp2p' }] })
  expect(step).toHaveBeenCalledOnce()
})

it('goes on past a node that does not stop in time, and says so', async () => {
  const node = await createNode('shutdown-stuck', { stepDeadlineMs: 20 })
  const flushed = vi.fn<() => void>()
  const release = Promise.withResolvers<void>()
  node.services.shutdown.register('close', 'libp2p', async () => release.promise.then(async () => node.stop()))
  node.services.shutdown.register('flush', 'store', flushed)
  const { steps, clean } = await node.services.shutdown.run()
  expect(steps).toMatchObject([
    { name: 'libp2p', outcome: 'abandoned', error: { name: 'TimeoutError' } },
    { name: 'store', outcome: 'done' },
  ])
  expect(clean).toBe(false)
  expect(flushed).toHaveBeenCalledOnce()
  release.resolve()
})

it('counts the outcomes of its steps', async () => {
  const increment = vi.fn<CounterGroup['increment']>()
  const names: string[] = []
  function registerCounterGroup(name: string, options?: MetricOptions): CounterGroup {
    names.push(`${name} ${options?.label}`)
    return { increment, reset: () => undefined }
  }
  const ending = shutdown()({ metrics: { registerCounterGroup } })
  ending.register('drain', 'good', () => undefined)
  ending.register('flush', 'bad', async () => Promise.reject(new RangeError('broken')))
  await ending.run()
  expect(names).toEqual(['gridmesh_shutdown_steps_total outcome'])
  expect(increment.mock.calls).toEqual([[{ done: true }], [{ failed: true }]])
})

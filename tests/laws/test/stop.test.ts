import { readdirSync } from 'node:fs'
import { createNode } from '@gridmesh/node'
import { Network } from '@gridmesh-internal/support'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { type Libp2p, createLibp2p } from 'libp2p'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ALONE, TOGETHER } from '../src/alone.ts'
import { SOON } from '../src/mesh.ts'
import { Watch, openSockets } from '../src/watch.ts'

const PACKAGES = readdirSync(new URL('../../../packages', import.meta.url))
const services = Object.entries(ALONE).filter((entry): entry is [string, typeof TOGETHER] => entry[1] !== undefined)

let watch: Watch
let sockets: number
beforeEach(() => {
  sockets = openSockets()
  watch = new Watch()
})
afterEach(() => watch.end())

/** Nothing is left of the packages, and no socket. Gossipsub's heartbeat may outlast its stop by one beat. */
async function expectNothingLeft(): Promise<void> {
  await vi.waitFor(() => expect(watch.left()).toEqual([]), SOON)
  await vi.waitFor(() => expect(openSockets()).toBe(sockets), SOON)
}

async function start({ options }: typeof TOGETHER): Promise<Libp2p> {
  const chosen = options()
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...chosen,
    services: { watch: watch.service, ...chosen.services },
  })
  watch.targets(node.services)
  return node
}

it('knows of every package what it puts into a node, or that it puts nothing there', () => {
  expect(Object.keys(ALONE).toSorted()).toEqual(PACKAGES.toSorted())
})

it.each([...services, ['all together', TOGETHER] as const])(
  'leaves nothing after stop, and starts again: %s',
  async (_, entry) => {
    const [node, other] = [await start(entry), await start(entry)]
    for (let round = 0; round < 2; round++) {
      await node.dial(other.getMultiaddrs())
      await entry.use?.({ node, other, services: node.services as never })
      const [link] = node.getConnections(other.peerId)
      expect(link?.status).toBe('open')
      // Or the watch would see nothing at all.
      expect(watch.left()).not.toEqual([])
      await node.stop()
      expect(node.getConnections().length).toBe(0)
      expect(link?.streams.length).toBe(0)
      await vi.waitFor(() => expect(other.getConnections().length).toBe(0), SOON)
      if (round === 0) await node.start()
    }
    await other.stop()
    await expectNothingLeft()
  },
)

it('leaves nothing of a whole node, and the same directory makes the same node again', async () => {
  const network = await Network.start({ nodes: 2 })
  const [first, second] = [network.node(0), network.node(1)]
  await Promise.all([first.stop(), second.stop()])
  await expectNothingLeft()
  const again = await createNode({ config: first.config })
  await again.start()
  expect(again.libp2p.peerId.equals(first.libp2p.peerId)).toBe(true)
  await again.stop()
  await network.stop()
  await expectNothingLeft()
})

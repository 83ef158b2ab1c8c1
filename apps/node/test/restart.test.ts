import { setImmediate } from 'node:timers/promises'
import { broadcast } from '@gridmesh/broadcast'
import { expect, it, onTestFinished, vi } from 'vitest'
import { energyKinds } from '../src/energy/kinds.ts'
import type { GridmeshNode } from '../src/node.ts'
import { anOrder } from './an-order.ts'
import { someDirectory } from './cli/network-files.ts'
import { someNode } from './some-node.ts'

const soon = { timeout: 25_000, interval: 20 }

function readyPeers({ libp2p }: GridmeshNode): number {
  return libp2p.services.peerManager.select().length
}

/** Publishes once, and waits until the other node has it. */
async function deliver(from: GridmeshNode, to: GridmeshNode, id: string): Promise<void> {
  const { delivery } = await from.energy.publish(energyKinds['energy-order'], anOrder(id))
  expect([...delivery.peers.keys()]).toEqual([to.libp2p.peerId.toString()])
  await vi.waitFor(
    () => expect(to.feed.list()).toContainEqual(expect.objectContaining({ value: expect.objectContaining({ id }) })),
    soon,
  )
}

it('is heard by a peer, and hears it, that was ready before gossip had started again', async () => {
  const strategies = { 'discovery.strategies': ['stored', 'bootstrap'], 'pool.exemptLoopback': true }
  const peer = await someNode(strategies)
  onTestFinished(async () => void (await peer.stop()))
  await peer.start()
  const flags = {
    ...strategies,
    genesis: peer.config.genesis,
    dataDir: await someDirectory(),
    'p2p.bootstrap': [String(peer.libp2p.getMultiaddrs()[0])],
  }
  const first = await someNode(flags)
  await first.start()
  await vi.waitFor(() => expect([first, peer].map(readyPeers)).toEqual([1, 1]), soon)
  await first.stop()

  const { chainId } = peer.genesis
  const second = await someNode(flags, {
    broadcast: (components) => {
      const handle = components.registrar.handle.bind(components.registrar)
      // A store that is slow to note the protocols of gossip, as it is when much starts at once.
      vi.spyOn(components.registrar, 'handle').mockImplementation(async (protocol, ...rest) => {
        await handle(protocol, ...rest)
        if (!protocol.startsWith('/meshsub/')) return
        await second.libp2p.dial(peer.libp2p.getMultiaddrs())
        await vi.waitFor(() => expect([second, peer].map(readyPeers)).toEqual([1, 1]), soon)
        await vi.waitFor(() => expect(gossipStreams(second)).toBe(1), soon)
        // Turns in which it would be handed over, and lost.
        for (let turn = 0; turn < 100; turn++) await setImmediate()
      })
      return broadcast({ chainId })(components)
    },
  })
  onTestFinished(async () => void (await second.stop()))
  await second.start()
  await deliver(second, peer, 'there')
  await deliver(peer, second, 'back')
})

function gossipStreams({ libp2p }: GridmeshNode): number {
  const streams = libp2p.getConnections().flatMap((connection) => connection.streams)
  return streams.filter(({ direction, protocol }) => direction === 'inbound' && protocol.startsWith('/meshsub/')).length
}

import { getEventListeners } from 'node:events'
import type { Unicast } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { expect, it } from 'vitest'
import { PublishDelivery } from '../src/delivery.ts'
import type { BroadcastComponents } from '../src/index.ts'
import { BroadcastMetrics } from '../src/metrics.ts'
import { Sender } from '../src/sender.ts'
import { SendQueue } from '../src/send-queue.ts'
import { Siblings } from '../src/siblings.ts'
import { peerIds } from './helpers/peer-ids.ts'

/** Publishes to one peer by a unicast that does as it is told. */
async function publish(send: (peer: PeerId) => ReturnType<Unicast['send']>, signal: AbortSignal): Promise<string> {
  const [self, peer] = await peerIds(2)
  const components = { unicast: { send } } as unknown as BroadcastComponents
  const sender = new Sender({
    peerId: self,
    siblings: new Siblings(components),
    queue: new SendQueue(1, 1),
    metrics: new BroadcastMetrics(undefined),
    log: defaultLogger().forComponent('test'),
    sendDeadlineMs: 1_000,
  })
  const delivery = new PublishDelivery({ id: 'id', maxPeers: 10 })
  const bytes = new Uint8Array()
  await sender.publish(
    { handler: 'any', peers: [peer], lane: 'normal', bytes, isAnnouncement: false, signal },
    delivery,
  )
  return delivery.peers.get(peer.toString())?.status ?? 'none'
}

it.each<[string, (peer: PeerId) => ReturnType<Unicast['send']>]>([
  ['taken', async (peer) => ({ peer, roundTripMs: 1, attempts: 1 })],
  ['refused', () => Promise.reject(new TypeError('refused'))],
  ['under way', () => new Promise(() => undefined)],
])('leaves no listener on the signal of a publish whose send is %s', async (_what, send) => {
  const { signal } = new AbortController()
  expect(await publish(send, signal)).not.toBe('none')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

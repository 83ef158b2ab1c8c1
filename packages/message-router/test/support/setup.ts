import type { LoadLevel, PeerManager, PeerReport, Reason } from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { DefaultMessageRouter } from '../../src/message-router.ts'
import { defineMessage, defineRequest, jsonCodec } from '../../src/index.ts'
import type { DroppedMessage, MessageRouterInit, RefusedMessage } from '../../src/index.ts'
import { FakeEnvelope } from './fake-envelope.ts'
import { FakeNetwork } from './fake-network.ts'
import type { FakeCarriers } from './fake-network.ts'

/** Reports and disconnects, as the router asked for them. */
export class FakePeerManager implements Pick<PeerManager, 'report' | 'disconnect'> {
  readonly reports: { peer: string; report: PeerReport }[] = []
  readonly disconnects: { peer: string; reason: Reason }[] = []

  report(peer: PeerId, report: PeerReport): void {
    this.reports.push({ peer: peer.toString(), report })
  }

  async disconnect(peer: PeerId, reason: Reason): Promise<void> {
    this.disconnects.push({ peer: peer.toString(), reason })
  }
}

/** One node of a fake network. */
export interface TestNode {
  peerId: PeerId
  router: DefaultMessageRouter
  carriers: FakeCarriers
  peerManager: FakePeerManager
  health: { load: LoadLevel }
  dropped: DroppedMessage[]
  refused: RefusedMessage[]
}

/** What the nodes of a test have in common. */
export interface TestNodeOptions extends MessageRouterInit {
  network?: FakeNetwork
  isAsync?: boolean
}

export async function randomPeerId(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

/** Joins a started router to a fake network. */
export async function startNode({
  network = new FakeNetwork(),
  isAsync,
  ...init
}: TestNodeOptions = {}): Promise<TestNode> {
  const peerId = await randomPeerId()
  const carriers = network.join(peerId)
  const peerManager = new FakePeerManager()
  const health = { load: 'normal' as LoadLevel }
  const router = new DefaultMessageRouter(
    {
      peerId,
      logger: defaultLogger(),
      envelope: new FakeEnvelope(peerId, isAsync),
      broadcast: carriers.broadcast,
      unicast: carriers.unicast,
      peerManager: peerManager as unknown as PeerManager,
      health,
    },
    init,
  )
  const dropped: DroppedMessage[] = []
  const refused: RefusedMessage[] = []
  router.addEventListener('messages:dropped', ({ detail }) => dropped.push(detail))
  router.addEventListener('messages:refused', ({ detail }) => refused.push(detail))
  router.start()
  router.afterStart()
  return { peerId, router, carriers, peerManager, health, dropped, refused }
}

/** Two started routers on one fake network. */
export async function startPair(options: Omit<TestNodeOptions, 'network'> = {}): Promise<[TestNode, TestNode]> {
  const network = new FakeNetwork()
  return [await startNode({ ...options, network }), await startNode({ ...options, network })]
}

export interface Order {
  price: number
}

/** Takes `{ price: number }` and nothing else. */
export function parseOrder(value: unknown): Order {
  if (typeof value === 'object' && value != null && 'price' in value && typeof value.price === 'number') {
    return { price: value.price }
  }
  throw Object.assign(new TypeError('expected a number'), { path: ['price'] })
}

export const orderCodec = jsonCodec(parseOrder)
export const order = defineMessage({ kind: 'order', codec: orderCodec, maxBytes: 1_024 })
export const vote = defineMessage({ kind: 'vote', codec: orderCodec, lane: 'high' })
export const alarm = defineMessage({ kind: 'alarm', codec: orderCodec, lane: 'critical' })
export const archive = defineMessage({ kind: 'archive', codec: orderCodec, lane: 'bulk' })
export const quote = defineRequest({ kind: 'quote', codec: orderCodec, reply: orderCodec })

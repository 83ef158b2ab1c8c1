import { type SplitPayload, splitPayloadInTurns } from '@gridmesh/chunking'
import {
  type BroadcastStrategy,
  PeerQueryUnavailableError,
  type PublishOptions,
  QueueFullError,
} from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { BROADCAST_HANDLER, CHUNK_BYTES } from './constants.ts'
import type { Deliveries } from './deliveries.ts'
import { type BroadcastDelivery, PublishDelivery } from './delivery.ts'
import type { DuplicateCache, KnownMessage } from './duplicate-cache.ts'
import { PullUnavailableError } from './errors.ts'
import { encodeFrame, type Frame, frameId } from './frame.ts'
import type { GossipCarrier } from './gossip-carrier.ts'
import type { GossipIds } from './gossip-ids.ts'
import { toHex } from './message-id.ts'
import type { BroadcastMetrics } from './metrics.ts'
import type { BroadcastOptions } from './options.ts'
import type { Peers } from './peers.ts'
import { strategiesOf } from './plan.ts'
import type { RetainedPayloads } from './retained-payloads.ts'
import type { Sender } from './sender.ts'
import type { Siblings } from './siblings.ts'
import type { TreeCarrier } from './tree-carrier.ts'

const NO_BYTES = new Uint8Array(0)

/** What a publisher needs. */
export interface PublisherInit {
  options: BroadcastOptions
  peerId: PeerId
  siblings: Siblings
  peers: Peers
  cache: DuplicateCache
  deliveries: Deliveries
  retained: RetainedPayloads
  metrics: BroadcastMetrics
  gossip: GossipCarrier
  tree: TreeCarrier
  ids: GossipIds
  sender: Sender
}

/** One publish, checked. */
export interface Publication {
  wireTopic: string
  payload: Uint8Array
  options: PublishOptions
  /** Aborts when the service stops. */
  running: AbortSignal
}

/** Decides where a message goes, pushed or announced, and hands it to the carriers. */
export class Publisher {
  readonly #init: PublisherInit

  constructor(init: PublisherInit) {
    this.#init = init
  }

  async publish(publication: Publication): Promise<BroadcastDelivery> {
    const { deliveries, gossip, ids, options, sender, tree } = this.#init
    const { wireTopic, payload, running } = publication
    const strategies = strategiesOf(publication.options, options.strategies)
    const split = payload.length > options.pullAboveBytes ? await this.#split(payload, running) : undefined
    const peers = this.#addressees(strategies, publication.options)
    const frame = this.#frame(publication, strategies, split)
    const bytes = encodeFrame(frame)
    const id = frameId(wireTopic, frame)
    const delivery = this.#delivery(toHex(id))
    const onSent = split === undefined ? undefined : this.#retain(split, delivery, frame, peers)
    for (const strategy of strategies) this.#init.metrics.published(strategy)
    const known = this.#own(delivery.id, frame)
    const signal = AbortSignal.any([running, ...(publication.options.signal ? [publication.options.signal] : [])])
    deliveries.add(delivery, split === undefined ? undefined : options.pullDeadlineMs)
    ids.watch(delivery.id)

    const shipment = { lane: frame.lane, bytes, isAnnouncement: split !== undefined, signal }
    const carriers = [sender.publish({ ...shipment, peers, handler: BROADCAST_HANDLER }, delivery)]
    // What floods at once has no need to wait for a mesh.
    const waitMs = peers.length > 0 ? 0 : options.meshWaitMs
    const ready = (): PeerId[] => this.#init.peers.ready()
    if (strategies.includes('gossip')) {
      carriers.push(gossip.publish({ wireTopic, bytes, known, delivery, waitMs, signal, ready }))
    }
    if (strategies.includes('tree')) {
      carriers.push(tree.publish({ ...shipment, wireTopic, id, known, delivery, waitMs, ready }))
    }
    await Promise.all(carriers)
    onSent?.()
    if ([...delivery.peers.values()].every(({ status }) => status === 'dropped')) this.#init.metrics.unheard()
    return delivery
  }

  async #split(payload: Uint8Array, running: AbortSignal): Promise<SplitPayload> {
    const { siblings, options } = this.#init
    const { maxMessageBytes: maxTotalBytes, pullAboveBytes } = options
    if (siblings.unicast === undefined) throw new PullUnavailableError(payload.length, pullAboveBytes)
    const split = await splitPayloadInTurns(payload, { chunkBytes: CHUNK_BYTES, maxTotalBytes, signal: running })
    running.throwIfAborted()
    return split
  }

  /**
   * Keeps a payload for those that will ask for it. Until `pullDeadlineMs` have passed, or every addressed peer has it,
   * it does not make room for others. Returns the call that says that all peers are addressed.
   */
  #retain(split: SplitPayload, delivery: PublishDelivery, { isDirected, lane }: Frame, peers: PeerId[]): () => void {
    const { maxRetainedBytes, pullDeadlineMs } = this.#init.options
    const endsAtMs = performance.now() + pullDeadlineMs
    let isSending = true
    const isOwed = (): boolean => performance.now() < endsAtMs && (isSending || !delivery.isOver)
    const audience = isDirected ? { audience: new Set(peers.map(String)) } : {}
    if (!this.#init.retained.add(delivery.id, split, { ...audience, isOwed })) {
      throw new QueueFullError('maxRetainedBytes', maxRetainedBytes, lane)
    }
    return () => {
      isSending = false
    }
  }

  /** The peers to send to one by one, each once. */
  #addressees(strategies: readonly BroadcastStrategy[], { to = [] }: PublishOptions): PeerId[] {
    if (strategies.includes('flood')) return this.#init.peers.ready()
    if (!strategies.includes('directed')) return []
    if (Array.isArray(to)) return [...new Map(to.map((peer) => [peer.toString(), peer])).values()]
    const { peerManager: manager } = this.#init.siblings
    if (manager === undefined) throw new PeerQueryUnavailableError()
    return manager.select(to).map((record) => record.id)
  }

  #frame(publication: Publication, strategies: readonly BroadcastStrategy[], split: SplitPayload | undefined): Frame {
    const { wireTopic, payload, options } = publication
    const isFlood = strategies.includes('flood')
    const isDirected = strategies.includes('directed')
    const isTree = strategies.includes('tree')
    const frame = {
      lane: options.lane ?? 'normal',
      isDirected,
      origin: this.#init.peerId.toMultihash().bytes,
      hops: isFlood ? this.#init.options.hopLimit - 1 : 0,
      // Gossipsub names the topic itself.
      topic: isFlood || isDirected || isTree ? wireTopic : '',
    }
    return split === undefined ? { ...frame, payload } : { ...frame, payload: NO_BYTES, announced: split }
  }

  #delivery(id: string): PublishDelivery {
    const { metrics, options } = this.#init
    const startedAtMs = performance.now()
    return new PublishDelivery({
      id,
      maxPeers: options.maxPeersPerDelivery,
      onConfirmed: (status) => {
        if (status === 'acknowledged') metrics.acknowledgedAfter(performance.now() - startedAtMs)
      },
    })
  }

  /** Remembers a message as ours, so that its copies are not delivered to us and not flooded on again. */
  #own(id: string, frame: Frame): KnownMessage {
    const { cache } = this.#init
    const known = cache.get(id) ?? cache.add(id, 'accept')
    known.isOwn = true
    known.verdict = 'accept'
    known.hops = Math.max(known.hops, frame.hops)
    return known
  }
}

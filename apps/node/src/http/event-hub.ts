import type { SSEMessage } from '@fastify/sse'
import type { PeerManagerEvents } from '@gridmesh/interfaces'
import type { TypedEventTarget } from '@libp2p/interface'
import type { Feed, FeedItem } from '../energy/feed.ts'
import { subscribeToChain } from './chain/events.ts'
import type { ChainHost } from './chain/of-node.ts'

/** What the events are of. */
export interface EventHost extends ChainHost {
  readonly feed: Feed
  readonly libp2p: {
    readonly services: {
      readonly peerManager: Pick<TypedEventTarget<PeerManagerEvents>, 'addEventListener' | 'removeEventListener'>
    }
  }
}

/** A message of the feed as an event. */
export function messageEvent(feed: Feed, item: FeedItem): SSEMessage {
  return { event: 'message', id: feed.idOf(item), data: item }
}

/** What happens on a node, told to all clients: one listener at each source, however many there are. */
export class EventHub {
  readonly #node: EventHost
  readonly #clients = new Set<(message: SSEMessage) => void>()
  #detach = (): void => {}

  constructor(node: EventHost) {
    this.#node = node
  }

  /** Calls `push` for each event. Returns the call that ends it; without a client nothing is listened to. */
  subscribe(push: (message: SSEMessage) => void): () => void {
    if (this.#clients.size === 0) this.#detach = this.#attach()
    this.#clients.add(push)
    return () => {
      if (this.#clients.delete(push) && this.#clients.size === 0) this.#detach()
    }
  }

  #attach(): () => void {
    const { chain, feed, libp2p } = this.#node
    const { peerManager } = libp2p.services
    const tell = (message: SSEMessage): void => {
      for (const push of this.#clients) push(message)
    }
    const onPeer = ({ detail }: PeerManagerEvents['peer:state']): void =>
      tell({ event: 'peer', data: { address: String(detail.peer), from: detail.from, to: detail.to } })
    const endFeed = feed.subscribe((item) => tell(messageEvent(feed, item)))
    const endChain = chain === undefined ? () => {} : subscribeToChain(chain, tell)
    peerManager.addEventListener('peer:state', onPeer)
    return () => {
      endFeed()
      endChain()
      peerManager.removeEventListener('peer:state', onPeer)
    }
  }
}

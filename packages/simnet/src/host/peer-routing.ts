import {
  type AbortOptions,
  NotFoundError,
  type PeerId,
  type PeerInfo,
  type PeerRouting,
  type PeerStore,
  type RoutingOptions,
  type Startable,
} from '@libp2p/interface'
import type { RandomWalk } from '@libp2p/interface-internal'
import { PeerSet } from '@libp2p/peer-collections'
import merge from 'it-merge'
import parallel from 'it-parallel'
import { NoPeerRoutersError, QueriedForSelfError } from '../errors.ts'

const KEY_BYTES = 32

/** Asks all services that route to peers, side by side, as libp2p does. */
export class HostPeerRouting implements PeerRouting {
  readonly [Symbol.toStringTag] = '@libp2p/peer-routing'
  readonly #self: PeerId
  readonly #peerStore: PeerStore
  readonly #routers: Partial<PeerRouting>[] = []

  constructor(self: PeerId, peerStore: PeerStore) {
    this.#self = self
    this.#peerStore = peerStore
  }

  add(router: Partial<PeerRouting>): void {
    this.#routers.push(router)
  }

  async findPeer(peer: PeerId, options: RoutingOptions = {}): Promise<PeerInfo> {
    if (this.#routers.length === 0) throw new NoPeerRoutersError()
    if (peer.equals(this.#self)) throw new QueriedForSelfError()
    const answers = this.#routers.map(async (router) => {
      const found = await router.findPeer?.(peer, options)
      if (found == null) throw new NotFoundError()
      return found
    })
    const found = await Promise.any(answers).catch(() => undefined)
    if (found === undefined) throw new NotFoundError()
    await this.#remember(found, options)
    return found
  }

  async *getClosestPeers(key: Uint8Array, options: RoutingOptions = {}): AsyncGenerator<PeerInfo> {
    if (this.#routers.length === 0) throw new NoPeerRoutersError()
    const seen = new PeerSet()
    for await (const peer of parallel(this.#closest(key, options))) {
      if (peer === undefined) continue
      await this.#remember(peer, options)
      if (seen.has(peer.id)) continue
      seen.add(peer.id)
      yield peer
    }
  }

  /** What the routers know, each still to be completed by its addresses if they are missing. */
  async *#closest(key: Uint8Array, options: RoutingOptions): AsyncGenerator<() => Promise<PeerInfo | undefined>> {
    for await (const peer of merge(...this.#routers.map((router) => router.getClosestPeers?.(key, options) ?? []))) {
      yield async () => {
        if (peer.multiaddrs.length > 0) return peer
        return this.findPeer(peer.id, { ...options, useCache: false }).catch(() => undefined)
      }
    }
  }

  async #remember({ id, multiaddrs }: PeerInfo, options: RoutingOptions): Promise<void> {
    if (multiaddrs.length > 0) await this.#peerStore.merge(id, { multiaddrs }, options)
  }
}

/** Finds peers close to random keys, until nobody wants more or the node stops. */
export class HostRandomWalk implements RandomWalk, Startable {
  readonly [Symbol.toStringTag] = '@libp2p/random-walk'
  readonly #routing: PeerRouting
  #shutdown = new AbortController()

  constructor(routing: PeerRouting) {
    this.#routing = routing
  }

  start(): void {
    this.#shutdown = new AbortController()
  }

  stop(): void {
    this.#shutdown.abort()
  }

  async *walk(options: AbortOptions = {}): AsyncGenerator<PeerInfo> {
    const signal = AbortSignal.any([this.#shutdown.signal, ...(options.signal === undefined ? [] : [options.signal])])
    for (;;) {
      for await (const peer of this.#routing.getClosestPeers(crypto.getRandomValues(new Uint8Array(KEY_BYTES)), {
        signal,
      })) {
        signal.throwIfAborted()
        yield peer
      }
      // Routers that know nobody answer at once: others have their turn before they are asked again.
      await new Promise((resolve) => setImmediate(resolve))
      signal.throwIfAborted()
    }
  }
}

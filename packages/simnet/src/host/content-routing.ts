import {
  type ContentRouting,
  NotStartedError,
  type PeerStore,
  type Provider,
  type RoutingOptions,
  type Startable,
} from '@libp2p/interface'
import { PeerSet } from '@libp2p/peer-collections'
import merge from 'it-merge'
import { NoContentRoutersError } from '../errors.ts'

type Cid = Parameters<ContentRouting['provide']>[0]

/** Asks all services that route to content, side by side, as libp2p does. */
export class HostContentRouting implements ContentRouting, Startable {
  readonly [Symbol.toStringTag] = '@libp2p/content-routing'
  readonly #peerStore: PeerStore
  readonly #routers: Partial<ContentRouting>[] = []
  #isStarted = false

  constructor(peerStore: PeerStore) {
    this.#peerStore = peerStore
  }

  add(router: Partial<ContentRouting>): void {
    this.#routers.push(router)
  }

  start(): void {
    this.#isStarted = true
  }

  stop(): void {
    this.#isStarted = false
  }

  async *findProviders(cid: Cid, options: RoutingOptions = {}): AsyncGenerator<Provider> {
    const seen = new PeerSet()
    for await (const peer of merge(...this.#some().map((router) => router.findProviders?.(cid, options) ?? []))) {
      if (peer.multiaddrs.length > 0) {
        await this.#peerStore.merge(peer.id, { multiaddrs: peer.multiaddrs }, options)
      }
      if (seen.has(peer.id)) continue
      seen.add(peer.id)
      yield peer
    }
  }

  async provide(cid: Cid, options: RoutingOptions = {}): Promise<void> {
    await Promise.all(this.#some().map(async (router) => router.provide?.(cid, options)))
  }

  async cancelReprovide(cid: Cid, options: RoutingOptions = {}): Promise<void> {
    await Promise.all(this.#some().map(async (router) => router.cancelReprovide?.(cid, options)))
  }

  async put(key: Uint8Array, value: Uint8Array, options?: RoutingOptions): Promise<void> {
    if (!this.#isStarted) throw new NotStartedError()
    await Promise.all(this.#routers.map(async (router) => router.put?.(key, value, options)))
  }

  async get(key: Uint8Array, options?: RoutingOptions): Promise<Uint8Array> {
    if (!this.#isStarted) throw new NotStartedError()
    return Promise.any(this.#routers.flatMap((router) => router.get?.(key, options) ?? []))
  }

  #some(): readonly Partial<ContentRouting>[] {
    if (this.#routers.length === 0) throw new NoContentRoutersError()
    return this.#routers
  }
}

import { setTimeout } from 'node:timers/promises'
import {
  type AbortOptions,
  KEEP_ALIVE,
  type Libp2pEvents,
  type Peer,
  type PeerId,
  type PeerStore,
  type TypedEventTarget,
} from '@libp2p/interface'
import { PeerQueue } from '@libp2p/utils'

/** As libp2p's defaults. */
const MAX_PARALLEL_RECONNECTS = 5
const RETRIES = 5
const FIRST_RETRY_MS = 1_000

type Dial = (peerId: PeerId, options: AbortOptions) => Promise<unknown>

function keepAliveTags({ tags }: Peer): string[] {
  return [...tags.keys()].filter((name) => name.startsWith(KEEP_ALIVE))
}

/** Dials peers with a keep-alive tag when they have gone and when the node starts, as libp2p's reconnect queue. */
export class HostKeepAlive {
  readonly #peerStore: PeerStore
  readonly #events: TypedEventTarget<Libp2pEvents>
  readonly #dial: Dial
  readonly #queue = new PeerQueue({ concurrency: MAX_PARALLEL_RECONNECTS })
  #isStarted = false

  constructor(peerStore: PeerStore, events: TypedEventTarget<Libp2pEvents>, dial: Dial) {
    this.#peerStore = peerStore
    this.#events = events
    this.#dial = dial
    events.addEventListener('peer:disconnect', ({ detail }) => void this.#reconnect(detail))
  }

  /** Connects to the peers that are to stay; whether one can be reached is not waited for. */
  async start(): Promise<void> {
    this.#isStarted = true
    const peers = await this.#peerStore.all({ filters: [(peer) => keepAliveTags(peer).length > 0] })
    for (const { id } of peers) this.#dial(id, {}).catch(() => {})
  }

  stop(): void {
    this.#isStarted = false
    this.#queue.abort()
  }

  async #reconnect(peerId: PeerId): Promise<void> {
    if (!this.#isStarted) return
    const peer = await this.#peerStore.get(peerId).catch(() => undefined)
    const names = peer === undefined ? [] : keepAliveTags(peer)
    if (names.length === 0 || this.#queue.has(peerId)) return
    try {
      await this.#queue.add((options) => this.#dialPatiently(peerId, options), { peerId })
    } catch {
      await this.#peerStore.merge(peerId, { tags: Object.fromEntries(names.map((name) => [name, undefined])) })
      this.#events.safeDispatchEvent('peer:reconnect-failure', { detail: peerId })
    }
  }

  async #dialPatiently(peerId: PeerId, options: AbortOptions): Promise<void> {
    for (let retries = 0; ; retries++) {
      try {
        await this.#dial(peerId, options)
        return
      } catch (err) {
        if (retries === RETRIES) throw err
        await setTimeout(FIRST_RETRY_MS * 2 ** retries, undefined, options)
      }
    }
  }
}

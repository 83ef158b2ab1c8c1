import { isStartable, type PeerDiscovery, type PeerInfo } from '@libp2p/interface'
import type { SourcedCandidate, Strategy } from './strategy.ts'

/** A module that announces peers when it likes, as a strategy that is asked: what came since is kept, and then told. */
export class DiscoveryFeed implements Strategy {
  readonly name: string
  readonly #source: PeerDiscovery
  readonly #maxPeers: number
  readonly #seen = new Map<string, PeerInfo>()
  #isStarted = false

  constructor(name: string, source: PeerDiscovery, maxPeers: number) {
    this.name = name
    this.#source = source
    this.#maxPeers = maxPeers
  }

  async start(): Promise<void> {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#source.addEventListener('peer', this.#onPeer)
    if (isStartable(this.#source)) await this.#source.start()
  }

  async stop(): Promise<void> {
    if (!this.#isStarted) return
    this.#isStarted = false
    this.#source.removeEventListener('peer', this.#onPeer)
    this.#seen.clear()
    if (isStartable(this.#source)) await this.#source.stop()
  }

  async *discover(): AsyncGenerator<SourcedCandidate> {
    const seen = [...this.#seen.values()]
    this.#seen.clear()
    for (const { id, multiaddrs } of seen) yield { id, addresses: multiaddrs }
  }

  // Who floods the local network displaces what was announced longest ago, and that is announced again.
  readonly #onPeer = ({ detail }: CustomEvent<PeerInfo>): void => {
    const key = detail.id.toString()
    this.#seen.delete(key)
    this.#seen.set(key, detail)
    const [oldest] = this.#seen.keys()
    if (this.#seen.size > this.#maxPeers && oldest !== undefined) this.#seen.delete(oldest)
  }
}

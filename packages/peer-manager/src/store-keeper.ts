import type { Logger, Peer, PeerId, PeerStore } from '@libp2p/interface'
import { within } from './deadline.ts'
import type { PeerManagerOptions } from './options.ts'

/** What the keeper asks of the peers in the store, and tells. */
export interface StoreKeeperHost {
  /** Has any connection. */
  isLinked(peer: PeerId): boolean
  /** Was ready once, as far as it is remembered. */
  wasReady(key: string): boolean
  /** Whether peers become ready at all. */
  hasHandshake(): boolean
  onFailure(): void
}

interface Entry {
  readonly id: PeerId
  /** Somebody here asked libp2p to mind it. */
  readonly isTagged: boolean
  /** We dialled it, which no stranger can have us do without end; a DHT asks it again by what is stored of it. */
  readonly isDialled: boolean
}

/**
 * Keeps libp2p's peer store bounded. There libp2p writes what anybody who connects says of itself, whether it turns out
 * to be one of ours or not, and of what it wrote it forgets only what it happens to read much later.
 */
export class StoreKeeper {
  readonly #store: Pick<PeerStore, 'forEach' | 'delete'>
  readonly #options: PeerManagerOptions
  readonly #host: StoreKeeperHost
  readonly #log: Logger
  /** What is in the store, the latest change last. */
  readonly #entries = new Map<string, Entry>()
  readonly #work = new Set<Promise<void>>()

  constructor(
    store: Pick<PeerStore, 'forEach' | 'delete'>,
    options: PeerManagerOptions,
    log: Logger,
    host: StoreKeeperHost,
  ) {
    this.#store = store
    this.#options = options
    this.#log = log
    this.#host = host
  }

  /** Reads what earlier runs left, beside all else, until `running` aborts. */
  start(running: AbortSignal): void {
    this.#do('read the peer store', [running], (signal, goOn) => {
      const take = (peer: Peer): void => {
        signal.throwIfAborted()
        goOn()
        if (!this.#entries.has(peer.id.toString())) this.changed(peer)
      }
      return this.#store.forEach(take, { signal })
    })
  }

  /** Resolves when nothing is being read or deleted any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#work)
    this.#entries.clear()
  }

  /** Something of a peer was stored. */
  changed({ id, tags, protocols }: Peer): void {
    const key = id.toString()
    const isDialled = this.#entries.get(key)?.isDialled ?? false
    this.#entries.delete(key)
    this.#entries.set(key, { id, isTagged: tags.size > 0, isDialled })
    // Protocols are written of connections alone, and at times after their end.
    if (protocols.length > 0) this.review(id)
    const surplus = this.#entries.size - this.#options.maxStoredPeers
    for (let i = 0; i < surplus; i++) this.#drop(this.#leastValuable())
  }

  /** A peer was reached that we dialled. */
  dialled(id: PeerId): void {
    const key = id.toString()
    this.#entries.set(key, { id, isTagged: this.#entries.get(key)?.isTagged ?? false, isDialled: true })
  }

  /** A peer has come or gone, or told who it is, which may be after it has gone. */
  review(peer: PeerId): void {
    const key = peer.toString()
    if (!this.#host.hasHandshake() || this.#host.isLinked(peer)) return
    if (this.#isStranger(key) && this.#entries.get(key)?.isDialled !== true) this.#drop(key)
  }

  /** Whoever was never ready, then anybody; each time the one that changed longest ago, and nobody who is linked. */
  #leastValuable(): string | undefined {
    let other: string | undefined
    for (const [key, { id }] of this.#entries) {
      if (this.#host.isLinked(id)) continue
      if (this.#isStranger(key)) return key
      other ??= key
    }
    return other
  }

  #isStranger(key: string): boolean {
    return this.#entries.get(key)?.isTagged !== true && !this.#host.wasReady(key)
  }

  #drop(key: string | undefined): void {
    const entry = this.#entries.get(key ?? '')
    if (key === undefined || entry === undefined) return
    this.#entries.delete(key)
    this.#do('delete a peer from the peer store', [], (signal) => this.#store.delete(entry.id, { signal }))
  }

  #do(what: string, signals: AbortSignal[], work: Parameters<typeof within<void>>[2]): void {
    const done = within(this.#options.storageTimeoutMs, signals, work)
      .catch((err: unknown) => {
        if (signals.some(({ aborted }) => aborted)) return
        this.#host.onFailure()
        this.#log.error('could not %s - %e', what, err)
      })
      .finally(() => this.#work.delete(done))
    this.#work.add(done)
  }
}

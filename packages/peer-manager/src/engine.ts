import { optional, type Parting, type PeerState } from '@gridmesh/interfaces'
import { type Connection, type Logger, NotStartedError, type PeerId } from '@libp2p/interface'
import { BanKeeper, type PeerBan } from './ban-keeper.ts'
import { type Candidate, Candidates } from './candidates.ts'
import { Departures } from './departures.ts'
import { Enforcer } from './enforcer.ts'
import { PeerBannedError } from './errors.ts'
import type { PeerManagerComponents } from './index.ts'
import { Libp2pFeed } from './libp2p-feed.ts'
import { LinkKeeper } from './link-keeper.ts'
import { PeerManagerMetrics } from './metrics.ts'
import type { PeerManagerOptions } from './options.ts'
import { PeerArchive } from './peer-archive.ts'
import { PeerBook } from './peer-book.ts'
import { PeerSaver } from './peer-saver.ts'
import { ReadyWaiters } from './ready-waiters.ts'
import { isStillBanned } from './reasons.ts'
import { type ManagedPeer, mergeAddresses } from './record.ts'
import { StoreKeeper } from './store-keeper.ts'

/** What the engine tells the service, to be sent on as events. */
export interface EngineNews {
  onState(record: ManagedPeer, from: PeerState, parting?: Parting): void
  onBan(ban: PeerBan): void
  onUnban(peer: PeerId): void
}

/** Wires the parts together, keeps time, and feeds them with libp2p's events. */
export class Engine {
  readonly options: PeerManagerOptions
  readonly metrics: PeerManagerMetrics
  readonly book: PeerBook
  readonly links: LinkKeeper
  readonly bans: BanKeeper
  readonly saver: PeerSaver
  readonly enforcer: Enforcer
  readonly candidates: Candidates
  readonly waiters = new ReadyWaiters()
  readonly #departures: Departures
  readonly #store: StoreKeeper
  readonly #feed: Libp2pFeed
  readonly #news: EngineNews
  readonly #log: Logger
  #running: AbortController | undefined
  #upkeepTimer: ReturnType<typeof setInterval> | undefined

  constructor(components: PeerManagerComponents, options: PeerManagerOptions, log: Logger, news: EngineNews) {
    this.options = options
    this.#news = news
    this.#log = log
    this.book = new PeerBook(options, {
      onState: (record, from, parting) => this.#onState(record, from, parting),
      onChange: (key) => this.saver.touch(key),
      onForget: (key) => this.saver.touch(key),
    })
    this.candidates = new Candidates(options.maxCandidates)
    this.metrics = new PeerManagerMetrics(components.metrics, () => this.book.counts())
    this.saver = new PeerSaver(new PeerArchive(components.datastore, log), this.book, this.metrics, options, log)
    this.#departures = new Departures(components, this.metrics, options, log)
    this.links = new LinkKeeper(this.book, components.connectionManager, options)
    this.bans = new BanKeeper(this.book, options, {
      onBan: (ban) => news.onBan(ban),
      onUnban: (peer) => this.#onUnban(peer),
    })
    this.enforcer = this.#createEnforcer(components)
    this.#store = this.#createStoreKeeper(components)
    this.#feed = new Libp2pFeed(components.events, components.peerId, log, {
      onOpen: (connection) => this.#onOpen(connection),
      onClose: (connection) => this.links.closed(connection),
      onPresence: (peer) => {
        this.links.sync(peer)
        this.#store.review(peer)
      },
      onIdentify: (peer, addresses) => this.#onIdentify(peer, addresses),
      onDiscovery: (peer, addresses) => void this.addCandidate({ id: peer, addresses }),
      onStored: (peer) => this.#store.changed(peer),
    })
  }

  /** Aborts when the engine stops; `undefined` while it is not running. */
  get running(): AbortSignal | undefined {
    return this.#running?.signal
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    const running = new AbortController()
    this.#running = running
    await this.saver.load()
    if (running.signal.aborted) return
    this.#feed.start()
    this.#store.start(running.signal)
    this.enforcer.start(running.signal)
    this.#upkeepTimer = setInterval(() => this.upkeep(), this.options.upkeepIntervalMs)
  }

  async stop(): Promise<void> {
    if (this.#running === undefined) return
    this.#running.abort(new NotStartedError('The peer manager was stopped'))
    this.#running = undefined
    this.#feed.stop()
    this.enforcer.stop()
    clearInterval(this.#upkeepTimer)
    this.#upkeepTimer = undefined
    await this.#departures.settled()
    await this.#store.stop()
    this.links.clear()
    this.book.followClock()
    await this.saver.save()
  }

  /** Takes a candidate and its addresses. Returns `false` where it is banned, or linked already. */
  addCandidate({ id, addresses }: Candidate): boolean {
    const key = id.toString()
    const known = this.#learnAddresses(id, addresses)
    if (this.links.isLinked(key) || this.bans.isBanned(key)) return false
    this.candidates.put({ id, addresses: known })
    return true
  }

  /** One round of what is done now and then. Does nothing while stopped. */
  upkeep(): void {
    if (this.#running === undefined) return
    try {
      this.book.followClock()
      this.bans.sweep()
      this.links.syncAll()
      this.enforcer.reviewAll()
      void this.saver.save()
    } catch (err) {
      this.#log.error('could not finish the upkeep - %e', err)
    }
  }

  #createEnforcer(components: PeerManagerComponents): Enforcer {
    const { options, metrics, book, links, bans, saver } = this
    const log = this.#log
    return new Enforcer({
      options,
      metrics,
      book,
      links,
      bans,
      saver,
      log,
      departures: this.#departures,
      readLagFactor: () => optional(components, 'health')?.lagFactor ?? 1,
      hasHandshake: () => optional(components, 'handshake') !== undefined,
    })
  }

  #createStoreKeeper(components: PeerManagerComponents): StoreKeeper {
    return new StoreKeeper(components.peerStore, this.options, this.#log, {
      isLinked: (peer) => components.connectionManager.getConnections(peer).length > 0,
      wasReady: (key) => this.book.peek(key)?.hello !== undefined,
      hasHandshake: () => optional(components, 'handshake') !== undefined,
      onFailure: () => this.metrics.storageFailure(),
    })
  }

  #onOpen(connection: Connection): void {
    const peer = connection.remotePeer
    const key = peer.toString()
    this.links.opened(connection)
    if (connection.direction === 'outbound') this.#store.dialled(peer)
    if (!this.bans.isBanned(key)) {
      this.enforcer.review(key)
      return
    }
    this.enforcer.partSoon(peer, isStillBanned(this.book.peek(key) ?? {}))
  }

  #onIdentify(peer: PeerId, addresses: readonly string[]): void {
    this.#learnAddresses(peer, addresses)
    this.book.see(peer.toString())
    this.#store.review(peer)
  }

  #learnAddresses(peer: PeerId, fresh: readonly string[]): readonly string[] {
    const key = peer.toString()
    const known = this.book.ensure(peer).addresses
    const addresses = mergeAddresses(key, known, fresh, this.options)
    if (addresses !== known) this.book.change(key, { addresses })
    return addresses
  }

  #onState(record: ManagedPeer, from: PeerState, parting?: Parting): void {
    const key = record.id.toString()
    // A candidate that is being dialled stays one until that worked.
    if (record.state !== 'known' && record.state !== 'connecting') this.candidates.delete(key)
    this.#news.onState(record, from, parting)
    if (record.state === 'ready') this.waiters.resolve(key, record)
    if (record.state === 'banned') this.waiters.reject(key, new PeerBannedError(record))
  }

  #onUnban(peer: PeerId): void {
    this.#news.onUnban(peer)
    // A peer may have come back in the moment before its ban ended.
    this.links.settle(peer.toString())
  }
}

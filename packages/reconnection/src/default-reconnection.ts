import { optional } from '@gridmesh/interfaces'
import {
  AbortError,
  serviceCapabilities,
  TypedEventEmitter,
  type Connection,
  type Logger,
  type PeerId,
  type Startable,
} from '@libp2p/interface'
import { AttemptRunner, type AttemptHandlers } from './attempt-runner.ts'
import { classifyCode, classifyParting } from './classify.ts'
import { Dialler } from './dialler.ts'
import { Feed } from './feed.ts'
import { Importance, readWanted } from './importance.ts'
import type {
  PeerReconnection,
  PeerStatus,
  ReconnectionComponents,
  ReconnectionEvents,
  ReconnectionInit,
  ReconnectionService,
} from './index.ts'
import { ReconnectionMetrics } from './metrics.ts'
import { resolveOptions } from './options.ts'
import { PeerBook } from './peer-book.ts'
import { PeerTracker } from './peer-tracker.ts'
import { ReadyWatch } from './ready-watch.ts'
import { TrackedPeer } from './tracked-peer.ts'

/** The reconnection service: news go to the tracker, which decides; what is due goes to the runner, which dials. */
export class DefaultReconnection
  extends TypedEventEmitter<ReconnectionEvents>
  implements ReconnectionService, Startable
{
  readonly [Symbol.toStringTag] = '@gridmesh/reconnection'
  readonly [serviceCapabilities] = ['@gridmesh/reconnection']
  readonly #components: ReconnectionComponents
  readonly #log: Logger
  readonly #book: PeerBook
  readonly #importance: Importance
  readonly #tracker: PeerTracker
  readonly #runner: AttemptRunner
  readonly #watch: ReadyWatch
  readonly #feed: Feed
  #phase: 'stopped' | 'starting' | 'running' | 'stopping' = 'stopped'
  #isSuspended = false

  constructor(components: ReconnectionComponents, init: ReconnectionInit = {}) {
    super()
    const options = resolveOptions(init)
    const wanted = readWanted(init)
    if (wanted.size > options.maxPeers) {
      throw new RangeError(`${wanted.size} important peers are more than maxPeers, ${options.maxPeers}`)
    }
    const log = components.logger.forComponent('gridmesh:reconnection')
    const metrics = new ReconnectionMetrics(components.metrics, () => this.#countByStatus())
    const book = new PeerBook(options.maxPeers, (id) => new TrackedPeer(id, options))
    const importance = new Importance(init, wanted, components, log)
    const { maxTries } = options
    const tracker = new PeerTracker({ components, book, importance, maxTries, events: this, metrics, log })
    const dialler = new Dialler(components, wanted, options.dialDeadlineMs, log)
    this.#components = components
    this.#log = log
    this.#book = book
    this.#importance = importance
    this.#tracker = tracker
    const handlers: AttemptHandlers = {
      reach: async (peer, signal) => dialler.reach(peer, signal),
      onBegin: (peer) => tracker.begun(peer),
      onReached: (peer) => tracker.reached(peer),
      onFailed: (peer, error) => tracker.failed(peer, error),
      onCancelled: () => metrics.attempt('cancelled'),
    }
    this.#runner = new AttemptRunner(book, options.maxConcurrent, handlers, log)
    this.#watch = new ReadyWatch(
      (peer) => tracker.ready(peer),
      (peer, error) => tracker.refused(peer, error),
    )
    this.#feed = this.#makeFeed()
  }

  get isSuspended(): boolean {
    return this.#isSuspended
  }

  start(): void {
    if (this.#phase !== 'stopped') return
    this.#phase = 'starting'
    this.#feed.start()
  }

  /** Begins to dial the important peers: only now are all siblings there. */
  afterStart(): void {
    if (this.#phase !== 'starting') return
    this.#phase = 'running'
    this.#feed.listenToSiblings()
    for (const peer of this.#importance.all()) this.#tracker.want(peer)
    for (const connection of this.#components.connectionManager.getConnections()) this.#opened(connection)
    if (!this.#isSuspended) this.#runner.start()
  }

  /** Dials nobody any more, while others say their goodbyes. */
  beforeStop(): void {
    if (this.#phase === 'stopped') return
    this.#phase = 'stopping'
    this.#feed.stop()
    this.#runner.stop()
    this.#watch.stop(new AbortError('The reconnection service stopped'))
  }

  stop(): void {
    this.beforeStop()
    this.#phase = 'stopped'
    this.#book.clear()
  }

  suspend(): void {
    if (!this.#isSuspended) this.#log('suspended')
    this.#isSuspended = true
    this.#runner.stop()
  }

  resume(): void {
    this.#log('resumed')
    this.#isSuspended = false
    for (const peer of this.#book.values()) peer.refresh()
    if (this.#phase === 'running') this.#runner.start()
  }

  state(peer: PeerId): PeerReconnection | undefined {
    return this.#book.get(peer)?.snapshot()
  }

  peers(): PeerReconnection[] {
    return [...this.#book.values()].map((peer) => peer.snapshot())
  }

  #makeFeed(): Feed {
    const tracker = this.#tracker
    return new Feed(this.#components, this.#log, {
      onOpen: (connection) => this.#opened(connection),
      onClose: (peer) => {
        tracker.closed(peer)
        this.#runner.pump()
      },
      onAddresses: (peer, addresses) => this.#book.get(peer)?.addresses.hear(addresses),
      onGoodbye: (peer, { code }) => {
        tracker.goodbye(peer, classifyCode(code))
        this.#runner.pump()
      },
      onDraining: (peer, parting) => tracker.draining(peer, classifyParting(parting)),
    })
  }

  #opened({ remotePeer, status }: Connection): void {
    if (status !== 'open') return
    const handshake = optional(this.#components, 'handshake')
    if (handshake === undefined) this.#tracker.ready(remotePeer)
    else this.#inBackground(this.#watch.add(remotePeer, handshake))
  }

  #inBackground(work: Promise<void>): void {
    work.catch((err: unknown) => this.#log.error('could not take the outcome of a handshake - %e', err))
  }

  #countByStatus(): Record<PeerStatus, number> {
    const counts = { connected: 0, waiting: 0, attempting: 0, 'given-up': 0 }
    for (const { status } of this.#book.values()) counts[status] += 1
    return counts
  }
}

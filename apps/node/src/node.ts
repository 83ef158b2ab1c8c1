import type { ShutdownReport } from '@gridmesh/interfaces'
import type { MetricsService } from '@gridmesh/metrics'
import type { Libp2p } from '@libp2p/interface'
import type { LevelDatastore } from 'datastore-level'
import type { ChainService } from './chain-network/chain-service.ts'
import type { NodeChain } from './chain-network/node-chain.ts'
import type { NodeConfig } from './config/schema.ts'
import { Energy } from './energy/energy.ts'
import { Feed, type FeedItem } from './energy/feed.ts'
import { OrderedStop } from './energy/ordered-stop.ts'
import { systemShutdown } from './energy/schemas.ts'
import { throwAll } from './end-all.ts'
import { LeftoverError, NodeStoppedError, listenProblem } from './errors.ts'
import type { Genesis } from './genesis.ts'
import { type HttpApi, createHttpApi } from './http/server.ts'
import type { NodeLog } from './logging.ts'
import type { ModuleGuard } from './module-guard.ts'
import type { NodeServices } from './modules.ts'

/** Time the last messages get to leave before the links close, in ms. */
const DRAIN_MS = 2_000
/** Time a start that is under way gets to come to an end before a stop goes on without it, in ms. */
const START_GRACE_MS = 5_000

/** Everything a node consists of, built and not yet started. */
export interface NodeParts {
  config: NodeConfig
  genesis: Genesis
  libp2p: Libp2p<NodeServices>
  metrics: MetricsService
  datastore: LevelDatastore
  chain: ChainService | undefined
  log: NodeLog
  guard: ModuleGuard
  /** Aborts when the node is to stop. */
  ending: AbortController
}

/** A running node: libp2p with every module, the energy messages, and the HTTP API. */
export class GridmeshNode {
  readonly config: NodeConfig
  readonly genesis: Genesis
  readonly libp2p: Libp2p<NodeServices>
  readonly metrics: MetricsService
  readonly log: NodeLog
  readonly feed: Feed
  readonly energy: Energy
  readonly #datastore: LevelDatastore
  readonly #http: HttpApi
  readonly #chain: ChainService | undefined
  readonly #stopped = Promise.withResolvers<ShutdownReport>()
  readonly #guard: ModuleGuard
  readonly #ending: AbortController
  readonly #orderedStop = new OrderedStop(() => {
    this.stop().catch((err: unknown) => this.log.forComponent('gridmesh:node').error('could not stop: %e', err))
  })
  #starting: Promise<void> | undefined
  #startedAtMs: number | undefined

  constructor(parts: NodeParts) {
    const { config, genesis, libp2p, log } = parts
    this.config = config
    this.genesis = genesis
    this.libp2p = libp2p
    this.metrics = parts.metrics
    this.log = log
    this.#datastore = parts.datastore
    this.#chain = parts.chain
    this.#guard = parts.guard
    this.#ending = parts.ending
    this.feed = new Feed(config.feedSize)
    this.energy = new Energy({
      messages: libp2p.services.messages,
      peerId: libp2p.peerId,
      genesis,
      feed: this.feed,
      metrics: this.metrics,
    })
    this.feed.subscribe((item) => this.#heed(item))
    this.#http = createHttpApi(this)
    this.#registerShutdown()
  }

  /** The chain; `undefined` where `chain.enabled` is not set. */
  get chain(): NodeChain | undefined {
    return this.#chain
  }

  /** Height of our chain; 0 where there is none, or nothing is built on genesis. */
  get height(): number {
    return this.#chain?.head.height ?? 0
  }

  /** Port that peers reach us at; 0 before `start`. */
  get p2pPort(): number {
    const tcp = this.libp2p
      .getMultiaddrs()[0]
      ?.getComponents()
      .find(({ name }) => name === 'tcp')
    return Number(tcp?.value ?? 0)
  }

  /** Time since `start`, in ms, however the clock is set meanwhile; 0 before, and once the node has stopped. */
  get uptimeMs(): number {
    return this.#startedAtMs === undefined ? 0 : performance.now() - this.#startedAtMs
  }

  /** Base URL of the HTTP API; `undefined` before `start`. */
  get url(): string | undefined {
    return this.#http.url
  }

  /** Port of the HTTP API; 0 before `start`. */
  get apiPort(): number {
    return this.url === undefined ? 0 : Number(new URL(this.url).port)
  }

  /**
   * Listens for peers, dials the first ones, and opens the HTTP API. A node whose start fails is stopped.
   * @throws {PortInUseError} @throws {CannotListenError}
   * @throws {ModuleFailedError} when a module does not start; where several do not, an `AggregateError` of them
   * @throws {NodeStoppedError} when `stop` was called before or meanwhile
   */
  async start(): Promise<void> {
    this.#ending.signal.throwIfAborted()
    this.#starting ??= this.#start()
    return this.#starting
  }

  /**
   * Stops in order, within `shutdownGraceMs`, after a start that is under way has come to an end, for which it waits 5 s
   * at most. Later calls get the same report. A stopped node stays stopped.
   */
  async stop(): Promise<ShutdownReport> {
    this.#ending.abort(new NodeStoppedError())
    await settled(this.#starting, START_GRACE_MS)
    return this.#shutDown()
  }

  /** Resolves when the node has stopped, whoever stopped it. */
  get stopped(): Promise<ShutdownReport> {
    return this.#stopped.promise
  }

  async #start(): Promise<void> {
    try {
      await this.#open()
    } catch (err) {
      await this.#shutDown()
      // It may have come up after the shutdown gave up waiting for it.
      await this.libp2p.stop()
      throw err
    }
  }

  /** Opens one after the other; a stop ends it between two of them, so that nothing is closed while it opens. */
  async #open(): Promise<void> {
    const { p2p, http } = this.config
    const { libp2p } = this
    const { signal } = this.#ending
    try {
      await libp2p.start()
    } catch (err) {
      throw listenProblem('peers', p2p.host, p2p.port, 'set p2p.port, or stop the other program', err)
    }
    signal.throwIfAborted()
    throwAll(this.#guard.takeFaults())
    if (this.#chain === undefined) libp2p.services.handshake.setStatus({ height: 0, tipHash: this.genesis.hash })
    this.energy.start()
    await this.#chain?.start()
    signal.throwIfAborted()
    try {
      await this.#http.start()
    } catch (err) {
      throw listenProblem('HTTP', http.host, http.port, 'set http.port, or stop the other program', err)
    }
    signal.throwIfAborted()
    this.#startedAtMs = performance.now()
    this.#say('%s is ready: %s', this.config.name, this.url)
  }

  async #shutDown(): Promise<ShutdownReport> {
    const report = await this.libp2p.services.shutdown.run()
    this.#orderedStop.clear()
    this.#startedAtMs = undefined
    this.#stopped.resolve(report)
    return report
  }

  #registerShutdown(): void {
    const { handshake, reconnection, shutdown } = this.libp2p.services
    shutdown.register('stop-accepting', 'http', (signal) => this.#http.stop(signal))
    shutdown.register('stop-accepting', 'peers', () => {
      handshake.refuseNewcomers()
      reconnection.suspend()
    })
    if (this.#chain !== undefined) this.#registerChain(this.#chain)
    shutdown.register('drain', 'energy', () => this.energy.stop(), { deadlineMs: DRAIN_MS })
    shutdown.register('close', 'libp2p', () => this.#stopLibp2p(), { deadlineMs: this.config.shutdownGraceMs })
    shutdown.register('flush', 'datastore', () => this.#datastore.close())
    shutdown.register('verify', 'connections', () => {
      const open = this.libp2p.getConnections().length
      if (open > 0) throw new LeftoverError('connections', open)
    })
  }

  /** @throws {LeftoverError} @throws {ModuleFailedError} */
  async #stopLibp2p(): Promise<void> {
    await this.libp2p.stop()
    // While it starts it cannot be stopped.
    if (this.libp2p.status === 'starting') throw new LeftoverError('libp2p', 1)
    throwAll(this.#guard.takeFaults())
  }

  /** What it has signed still goes out; the store is closed once nobody asks for blocks any more. */
  #registerChain(chain: ChainService): void {
    const { shutdown } = this.libp2p.services
    shutdown.register('stop-accepting', 'chain', () => chain.quiet())
    shutdown.register('flush', 'chain', () => chain.close())
  }

  #heed({ kind, sender, value }: FeedItem): void {
    if (kind !== 'system-shutdown') return
    this.#say('%s asks every node to stop: %s', sender, JSON.stringify(value))
    const order = systemShutdown.safeParse(value)
    if (this.config.obeySystemShutdown && order.success) this.#orderedStop.at(order.data.effectiveAtMs)
  }

  #say(format: string, ...values: unknown[]): void {
    this.log.forComponent('gridmesh:node')(format, ...values)
  }
}

/** Resolves when `work` has ended, however it did, and after `deadlineMs` at the latest. */
async function settled(work: Promise<void> | undefined, deadlineMs: number): Promise<void> {
  const over = Promise.withResolvers<void>()
  const timer = setTimeout(() => over.resolve(), deadlineMs)
  await Promise.race([Promise.allSettled([work]), over.promise])
  clearTimeout(timer)
}

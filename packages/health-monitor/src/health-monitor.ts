import type { LoadLevel, NetworkHealth } from '@gridmesh/interfaces'
import { optional, requireName } from '@gridmesh/interfaces'
import {
  type Logger,
  type PeerId,
  serviceCapabilities,
  serviceDependencies,
  type Startable,
  TypedEventEmitter,
} from '@libp2p/interface'
import { PING_PROTOCOL } from '@libp2p/ping'
import { MIN_PING_STREAMS } from './constants.ts'
import type {
  HealthAverages,
  HealthEvents,
  HealthMonitorComponents,
  HealthMonitorInit,
  HealthService,
  PeerHealth,
  PingRecord,
} from './index.ts'
import { LoadWatch } from './load-watch.ts'
import { HealthMetrics } from './metrics.ts'
import { average, networkHealth } from './network-health.ts'
import { NetworkWatch } from './network-watch.ts'
import { type HealthOptions, resolveOptions } from './options.ts'
import { PeerWatch } from './peer-watch.ts'

/** The thin service over the three watches: on peers, on the network, on our own load. */
export class HealthMonitor extends TypedEventEmitter<HealthEvents> implements HealthService, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/health-monitor'
  readonly [serviceCapabilities] = ['@gridmesh/health-monitor']
  readonly [serviceDependencies] = ['@libp2p/ping']
  readonly #components: HealthMonitorComponents
  readonly #options: HealthOptions
  readonly #log: Logger
  readonly #peers: PeerWatch
  readonly #network: NetworkWatch
  readonly #load: LoadWatch
  #running: AbortController | undefined
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(components: HealthMonitorComponents, init: HealthMonitorInit = {}) {
    super()
    this.#components = components
    this.#options = resolveOptions(init)
    this.#log = components.logger.forComponent('gridmesh:health-monitor')
    this.#load = new LoadWatch(components, this.#options, this.#log, (detail) => {
      this.safeDispatchEvent('health:load', { detail })
    })
    this.#peers = this.#createPeerWatch()
    this.#network = new NetworkWatch(components, this.#options, this.#peers.table, this.#log)
  }

  /** @throws {ServiceNameError} when no service is named `health`, or none `ping` */
  start(): void {
    if (this.#running !== undefined) return
    for (const name of ['health', 'ping']) requireName(this.#components, name)
    this.#running = new AbortController()
    this.#peers.start(this.#running.signal)
    this.#network.start()
    this.#load.start()
    this.#timer = setInterval(() => this.#beat(), this.#options.sampleIntervalMs)
  }

  afterStart(): void {
    if (this.#running === undefined) return
    this.#network.listen()
    this.#warnOfFewStreams()
  }

  /** From here on libp2p closes links, and that says nothing of the network. */
  beforeStop(): void {
    this.#network.stop()
  }

  async stop(): Promise<void> {
    if (this.#running === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#running.abort()
    this.#running = undefined
    this.#network.stop()
    this.#load.stop()
    await this.#peers.stop()
  }

  get load(): LoadLevel {
    return this.#load.level
  }

  get lagFactor(): number {
    return this.#load.lagFactor
  }

  score(peer: PeerId): number | undefined {
    return this.get(peer)?.score
  }

  get(peer: PeerId): PeerHealth | undefined {
    const vitals = this.#peers.table.get(peer.toString())
    return vitals?.isMeasured === true ? vitals.health(performance.now()) : undefined
  }

  history(peer: PeerId): readonly PingRecord[] {
    return this.#peers.table.get(peer.toString())?.history() ?? []
  }

  snapshot(): readonly PeerHealth[] {
    const nowMs = performance.now()
    const measured = this.#peers.table.allLinked().filter(([, { isMeasured }]) => isMeasured)
    return measured.map(([, vitals]) => vitals.health(nowMs)).toSorted(byHealth)
  }

  averages(): HealthAverages {
    const peers = this.snapshot()
    const averageOf = (read: (peer: PeerHealth) => number | undefined): number | undefined =>
      average(peers.map(read).filter((value) => value !== undefined))
    return {
      peers: peers.length,
      score: averageOf(({ score }) => score),
      latencyMs: averageOf(({ latency }) => latency?.smoothedMs),
      availability: averageOf(({ availability }) => availability),
    }
  }

  reset(peer: PeerId): boolean {
    return this.#peers.reset(peer.toString())
  }

  network(): NetworkHealth {
    return networkHealth(this.#network.view())
  }

  #createPeerWatch(): PeerWatch {
    const metrics = new HealthMetrics(this.#components.metrics, {
      load: () => this.load,
      lagFactor: () => this.lagFactor,
      unhealthyPeers: () => this.#peers.table.allLinked().filter(([, { isHealthy }]) => !isHealthy).length,
      partitionRisk: () => this.network().partitionRisk,
    })
    return new PeerWatch({
      components: this.#components,
      options: this.#options,
      log: this.#log,
      metrics,
      hooks: {
        readLagFactor: () => this.lagFactor,
        onChange: (change, { peer, score }) => this.safeDispatchEvent(`peer:${change}`, { detail: { peer, score } }),
        onClosing: (peer) => this.#network.lose(peer),
        onClosed: (peer, reason) => this.safeDispatchEvent('peer:closed', { detail: { peer, reason } }),
      },
    })
  }

  #beat(): void {
    try {
      this.#load.sample()
      this.#network.sample()
      this.#peers.beat()
    } catch (err) {
      this.#log.error('could not look after the peers - %e', err)
    }
  }

  // libp2p's connection monitor opens a ping stream too, and aborts the connection where it finds ours in its place.
  #warnOfFewStreams(): void {
    try {
      const { maxOutboundStreams } = optional(this.#components, 'registrar')?.getHandler(PING_PROTOCOL).options ?? {}
      if (maxOutboundStreams === undefined || maxOutboundStreams >= MIN_PING_STREAMS) return
      this.#log.error(
        'ping allows %d stream; make it ping({ maxInboundStreams: 8, maxOutboundStreams: 8 })',
        maxOutboundStreams,
      )
    } catch (err) {
      this.#log.trace('could not look at the ping service - %e', err)
    }
  }
}

/** The healthiest first; of equal score the nearest, then by id, so that the order is the same at every look. */
function byHealth(a: PeerHealth, b: PeerHealth): number {
  const byScore = b.score - a.score
  const byLatency = (a.latency?.smoothedMs ?? Number.MAX_VALUE) - (b.latency?.smoothedMs ?? Number.MAX_VALUE)
  return byScore || byLatency || (a.peer.toString() < b.peer.toString() ? -1 : 1)
}

import { optional } from '@gridmesh/interfaces'
import type { ComponentLogger, Logger, PeerId, Startable } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { NodeServices } from '../modules.ts'

/** Time a ping may take, in ms. */
const PING_DEADLINE_MS = 10_000

/** What the measurement needs from the node. */
export interface LatencyComponents {
  logger: ComponentLogger
  ping: Ping
  peerManager?: NodeServices['peerManager']
}

/** Creates the service that tells the peer manager the round trip to each ready peer, by libp2p's ping. */
export function latency(intervalMs: number): (components: LatencyComponents) => Startable {
  return (components) => new Latency(components, intervalMs)
}

class Latency implements Startable {
  readonly #components: LatencyComponents
  readonly #intervalMs: number
  readonly #log: Logger
  readonly #smoothed = new Map<string, number>()
  #stopping = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(components: LatencyComponents, intervalMs: number) {
    this.#components = components
    this.#intervalMs = intervalMs
    this.#log = components.logger.forComponent('gridmesh:latency')
  }

  start(): void {
    this.#stopping = new AbortController()
    this.#timer ??= setInterval(() => void this.#measureAll(), this.#intervalMs)
  }

  afterStart(): void {
    this.#peers()?.addEventListener('peer:ready', this.#onReady)
  }

  beforeStop(): void {
    this.#peers()?.removeEventListener('peer:ready', this.#onReady)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#stopping.abort()
    this.#smoothed.clear()
  }

  readonly #onReady = (event: CustomEvent<{ id: PeerId }>): void => void this.#measure(event.detail.id)

  #peers(): NodeServices['peerManager'] | undefined {
    return optional(this.#components, 'peerManager')
  }

  async #measureAll(): Promise<void> {
    const ready = this.#peers()?.select() ?? []
    const ids = new Set(ready.map(({ id }) => id.toString()))
    for (const id of this.#smoothed.keys()) if (!ids.has(id)) this.#smoothed.delete(id)
    await Promise.all(ready.map(({ id }) => this.#measure(id)))
  }

  async #measure(peer: PeerId): Promise<void> {
    const peers = this.#peers()
    try {
      const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(PING_DEADLINE_MS)])
      const sample = await this.#components.ping.ping(peer, { signal })
      // RFC 6298's smoothing: an eighth of the new sample.
      const before = this.#smoothed.get(peer.toString()) ?? sample
      const latencyMs = before + (sample - before) / 8
      this.#smoothed.set(peer.toString(), latencyMs)
      peers?.updateHealth(peer, { score: 100, latencyMs })
    } catch (err) {
      if (this.#stopping.signal.aborted) return
      this.#log('no answer to a ping from %p: %e', peer, err)
      peers?.updateHealth(peer, { score: 0 })
    }
  }
}

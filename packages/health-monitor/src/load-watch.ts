import { type LoadLevel, optional } from '@gridmesh/interfaces'
import type { Logger } from '@libp2p/interface'
import type { HealthMonitorComponents, LoadChange, LoadSample } from './index.ts'
import { LoadMeter } from './load-meter.ts'
import { LoopDelay } from './loop-delay.ts'
import type { HealthOptions } from './options.ts'

type LoadComponents = Pick<HealthMonitorComponents, 'messages'>

/** Watches how loaded this node is. */
export class LoadWatch {
  readonly #components: LoadComponents
  readonly #options: HealthOptions
  readonly #log: Logger
  readonly #onChange: (change: LoadChange) => void
  readonly #delay: LoopDelay
  readonly #meter: LoadMeter

  constructor(components: LoadComponents, options: HealthOptions, log: Logger, onChange: (change: LoadChange) => void) {
    this.#components = components
    this.#options = options
    this.#log = log
    this.#onChange = onChange
    this.#delay = new LoopDelay(options.loopResolutionMs, options.createLoopMonitor)
    this.#meter = new LoadMeter(options.load)
  }

  get level(): LoadLevel {
    return this.#meter.level
  }

  get lagFactor(): number {
    return this.#delay.lagFactor
  }

  start(): void {
    this.#delay.start()
  }

  /** Who sheds on our word is told that there is nothing to shed for any more. */
  stop(): void {
    this.#delay.stop()
    this.#change(() => this.#meter.reset())
  }

  sample(): void {
    this.#delay.sample()
    const queueDepth = this.#readQueueDepth()
    const sample: LoadSample = { delayMs: this.#delay.delayMs, ...(queueDepth === undefined ? {} : { queueDepth }) }
    this.#change(() => void this.#meter.update(sample))
  }

  #change(act: () => void): void {
    const from = this.level
    act()
    if (this.level === from) return
    this.#log('load went from %s to %s', from, this.level)
    this.#onChange({ from, to: this.level })
  }

  #readQueueDepth(): number | undefined {
    const { queueDepth } = this.#options
    try {
      return queueDepth === undefined ? optional(this.#components, 'messages')?.queueDepth?.() : queueDepth()
    } catch (err) {
      this.#log.error('could not read queueDepth - %e', err)
      return undefined
    }
  }
}

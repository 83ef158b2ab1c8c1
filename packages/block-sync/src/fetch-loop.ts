import { TICK_MS } from './constants.ts'
import { Fetcher, type Job } from './fetcher.ts'
import type { Activity, RunContext } from './run-context.ts'
import { Wake } from './wake.ts'

/** What a loop fetches, and what becomes of it. */
export interface FetchLoopInit {
  context: RunContext
  phase: Activity['phase']
  /** All that may be asked for now, what is needed first before the others. */
  jobs: () => readonly Job[]
  /** How many things are not taken yet. */
  left: () => number
  /** How many of those are known by their headers. @default none */
  headersAhead?: () => number
  /** Takes what came, and says whether that was a step further; `undefined` where nothing came. */
  take: () => Promise<boolean> | undefined
}

/** Fetches from all who have it, and takes what comes one after the other, until nothing is left or nothing comes. */
export class FetchLoop implements Activity {
  readonly phase: Activity['phase']
  readonly #init: FetchLoopInit
  readonly #fetcher: Fetcher
  readonly #wake = new Wake()
  #progressMs = performance.now()
  #isOver = false
  #isTaking = false

  constructor(init: FetchLoopInit) {
    const { table, options } = init.context
    this.phase = init.phase
    this.#init = init
    this.#fetcher = new Fetcher({ table, options, jobs: init.jobs, onChange: () => this.#wake.wake() })
  }

  get bufferedBytes(): number {
    return this.#fetcher.bufferedBytes
  }

  get headersAhead(): number {
    return this.#init.headersAhead?.() ?? 0
  }

  /** Says whether all was taken. @throws {ChainFailedError} @throws {SyncStoppedError} */
  async run(): Promise<boolean> {
    const { context, left } = this.#init
    const ticker = setInterval(() => this.#tick(), TICK_MS)
    const onStop = (): void => this.#giveUp()
    context.signal.addEventListener('abort', onStop, { once: true })
    context.activity = this
    try {
      while (left() > 0 && !this.#isOver) {
        context.signal.throwIfAborted()
        this.#fetcher.pump()
        if (await this.#takeNext()) continue
        if (this.#fetcher.isHopeless()) return false
        await this.#wake.wait()
      }
      context.signal.throwIfAborted()
      return left() === 0
    } finally {
      clearInterval(ticker)
      context.signal.removeEventListener('abort', onStop)
      this.#fetcher.close()
      context.activity = undefined
    }
  }

  onPeers(): void {
    this.#wake.wake()
  }

  /** Says whether there was something to take. */
  async #takeNext(): Promise<boolean> {
    const taking = this.#init.take()
    if (taking === undefined) return false
    this.#isTaking = true
    const isFurther = await taking
    this.#isTaking = false
    if (isFurther) this.#progressMs = performance.now()
    return true
  }

  #tick(): void {
    this.#fetcher.tick()
    if (this.#isTaking) this.#progressMs = performance.now()
    if (performance.now() - this.#progressMs >= this.#init.context.options.stallMs) this.#giveUp()
    this.#wake.wake()
  }

  #giveUp(): void {
    this.#isOver = true
    this.#wake.wake()
  }
}

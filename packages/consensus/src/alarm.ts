/** Waits, one at a time, by a timer that is gone when the wait is over. */
export class Alarm {
  #ring: (() => void) | undefined

  /** Resolves after `ms`, a day at most, when it is rung, or when `signal` aborts. `Infinity` needs no timer. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const ring = (): void => resolve()
    const timer = ms === Infinity ? undefined : setTimeout(ring, ms)
    signal.addEventListener('abort', ring, { once: true })
    this.#ring = ring
    await promise
    this.#ring = undefined
    signal.removeEventListener('abort', ring)
    clearTimeout(timer)
  }

  ring(): void {
    this.#ring?.()
  }
}

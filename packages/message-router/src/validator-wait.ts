import { NotStartedError } from '@libp2p/interface'
import type { InboundContext } from './context.ts'
import { Dropped } from './dropped.ts'
import { MessageRejectedError } from './errors.ts'
import type { Judged } from './registry.ts'

/** Waits for validators, each for a time and none once the router stops: one that hangs does not keep a place for ever. */
export class ValidatorWait {
  readonly #timeoutMs: number
  readonly #stopping: AbortSignal
  readonly #ends = new Set<(error: Error) => void>()

  constructor(handlerTimeoutMs: number, stopping: AbortSignal) {
    this.#timeoutMs = handlerTimeoutMs
    this.#stopping = stopping
    // Once for all of them: a signal looks through all its listeners before it takes one more, and a few batches of
    // messages that wait for their validators would take it half a minute.
    stopping.addEventListener('abort', this.#stop, { once: true })
  }

  /** What the validator finds. @throws {MessageRejectedError} when it is late @throws {Dropped} when the router stops */
  async verdict(context: InboundContext, judging: Promise<Judged>): Promise<Judged> {
    const value = this.#timeoutMs
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const limit = 'handlerTimeoutMs'
      const detail = `its validator did not answer within ${limit}, which is ${value}`
      const error = new MessageRejectedError('validator-timeout', context.kind, detail, { limit, value })
      context.abort(error)
      reject(error)
    }, value)
    this.#ends.add(reject)
    if (this.#stopping.aborted) this.#stop()
    try {
      return await Promise.race([judging, ended])
    } finally {
      clearTimeout(timer)
      this.#ends.delete(reject)
    }
  }

  readonly #stop = (): void => {
    for (const end of this.#ends) end(new Dropped(new NotStartedError('The router has stopped')))
  }
}

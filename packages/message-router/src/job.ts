import type { Lane, MaybePromise } from '@gridmesh/interfaces'
import type { InboundContext } from './context.ts'
import type { Job } from './dispatcher.ts'

/** One message, or a batch that was judged as one, and the handler that waits for it. */
export class HandlerJob implements Job {
  readonly context: InboundContext
  readonly lane: Lane
  readonly sender: string
  readonly bytes: number
  /** Messages that it is of. */
  readonly count: number
  readonly #run: () => MaybePromise<Uint8Array | void>
  #result: PromiseWithResolvers<Uint8Array | void> | undefined

  constructor(context: InboundContext, bytes: number, run: () => MaybePromise<Uint8Array | void>, count = 1) {
    this.context = context
    this.lane = context.lane
    this.sender = context.sender.toString()
    this.bytes = bytes
    this.count = count
    this.#run = run
  }

  /** Resolves with what the handler returns, or rejects with why it will not. Ask before the job is run. */
  result(): Promise<Uint8Array | void> {
    if (this.#result == null) {
      this.#result = Promise.withResolvers()
      // Whoever asked may have gone by the time the job fails.
      this.#result.promise.catch(() => {})
    }
    return this.#result.promise
  }

  run(): unknown {
    const result = this.#run()
    return this.#result == null ? result : Promise.resolve(result).then(this.#result.resolve)
  }

  isCancelled(): boolean {
    return this.context.isAborted
  }

  cancel(reason: Error): void {
    this.context.abort(reason)
    this.fail(reason)
  }

  /** Tells whoever waits for the result that there is none. */
  fail(error: unknown): void {
    this.#result?.reject(error)
  }
}

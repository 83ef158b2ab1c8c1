import type { BroadcastAnswer, BroadcastContext, BroadcastHandler, Lane } from '@gridmesh/interfaces'
import { AbortError, TimeoutError } from '@libp2p/interface'

/** Share of the verdicts that lanes other than `critical` may owe. */
const ORDINARY_SHARE = 7 / 8

/** Bounds of the calls to handlers. */
export interface HandlerCallsInit {
  deadlineMs: number
  maxPending: number
  /** A handler threw, overran its deadline, or returned no verdict. */
  onFailure(context: BroadcastContext, err: unknown): void
}

/** Asks handlers for verdicts. Whatever they do, there is an answer: `ignore` where they give none. */
export class HandlerCalls {
  readonly #init: HandlerCallsInit
  /** Verdicts that handlers have promised; each ends by the call here, at the latest. */
  readonly #pending = new Set<(err: Error) => void>()

  constructor(init: HandlerCallsInit) {
    this.#init = init
  }

  /** Whether another message of `lane` has to be turned away. Handlers that hang keep no emergency out of the last eighth. */
  isFull(lane: Lane): boolean {
    const { maxPending } = this.#init
    return this.#pending.size >= (lane === 'critical' ? maxPending : Math.ceil(maxPending * ORDINARY_SHARE))
  }

  ask(
    handler: BroadcastHandler,
    bytes: Uint8Array,
    context: BroadcastContext,
  ): BroadcastAnswer | Promise<BroadcastAnswer> {
    const fail = (err: unknown): BroadcastAnswer => {
      this.#init.onFailure(context, err)
      return 'ignore'
    }
    try {
      const answer = handler(bytes, context)
      return isPromise(answer) ? this.#awaitVerdict(answer).catch(fail) : checkVerdict(answer)
    } catch (err) {
      return fail(err)
    }
  }

  /** Gives up on every verdict that handlers have promised. */
  stop(): void {
    for (const giveUp of this.#pending) giveUp(new AbortError('Stopped'))
  }

  async #awaitVerdict(answer: Promise<BroadcastAnswer>): Promise<BroadcastAnswer> {
    const { deadlineMs } = this.#init
    const { promise: overrun, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => reject(new TimeoutError(`No verdict within handlerDeadlineMs, which is ${deadlineMs}`)),
      deadlineMs,
    )
    this.#pending.add(reject)
    try {
      return checkVerdict(await Promise.race([answer, overrun]))
    } finally {
      this.#pending.delete(reject)
      clearTimeout(timer)
    }
  }
}

function isPromise(answer: BroadcastAnswer | Promise<BroadcastAnswer>): answer is Promise<BroadcastAnswer> {
  return typeof answer === 'object' && answer !== null
}

/** Handlers need not be written in TypeScript. */
function checkVerdict(answer: BroadcastAnswer): BroadcastAnswer {
  if (answer === 'accept' || answer === 'ignore' || answer === 'reject' || answer === 'busy') return answer
  throw new TypeError(`verdict ${String(answer)} must be accept, ignore, reject or busy`)
}

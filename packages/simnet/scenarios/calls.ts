import type { SimNode } from '@gridmesh/simnet'
import { answerTo, ECHO, type SimServices } from './app.ts'

/** Deadline of a call, and how much later it may end, since timers of a slow node are late, in ms. */
const DEADLINE_MS = 10_000
const SLACK_MS = 5_000

/** Calls between nodes: each ends once, in time, with its own answer, and is handled at most once. */
export class Calls {
  readonly #open = new Map<string, number>()
  /** Which call was handled by which node, in which of its lives: what it remembers of calls ends with it. */
  readonly #handled = new Set<string>()
  readonly #expect: (law: string, holds: boolean, message: string) => void
  readonly #nowMs: () => number
  #count = 0

  constructor(nowMs: () => number, expect: (law: string, holds: boolean, message: string) => void) {
    this.#nowMs = nowMs
    this.#expect = expect
  }

  /** A handler was given a call. */
  handled(call: string, node: number, life: number): void {
    const key = `${call} by ${node} in ${life}`
    this.#expect('call-handled-once', !this.#handled.has(key), `Node ${node} handled call ${call} again`)
    this.#handled.add(key)
  }

  /** Whether a call is not over. */
  get isOpen(): boolean {
    return this.#open.size > 0
  }

  /** Calls one node from another. Says why there was no answer, where there was none. Never rejects. */
  async make(from: SimNode<SimServices>, to: SimNode<SimServices>, isIdempotent: boolean): Promise<string | undefined> {
    const call = `${from.index}-${to.index}-${this.#count++}`
    const question = new TextEncoder().encode(call)
    this.#open.set(call, this.#nowMs())
    try {
      const options = { idempotent: isIdempotent, deadlineMs: DEADLINE_MS }
      const answer = await from.run(({ unicast }) => unicast.request(to.peerId, ECHO, question, options))
      const isOwn = Buffer.compare(answer, answerTo(question)) === 0
      this.#expect('answer-is-its-own', isOwn, `Call ${call} was given the answer to another`)
      return undefined
    } catch (err) {
      const isTyped = err instanceof Error && err.name !== 'Error'
      const failed = `Call ${call} failed with ${String(err)}`
      this.#expect('call-error-typed', isTyped, failed)
      return failed
    } finally {
      this.#open.delete(call)
    }
  }

  /** The first call that is not over, and should be. */
  fault(nowMs: number): string | undefined {
    for (const [call, sinceMs] of this.#open) {
      if (nowMs - sinceMs > DEADLINE_MS + SLACK_MS) return `Call ${call} is not over after ${nowMs - sinceMs} ms`
    }
    return undefined
  }
}

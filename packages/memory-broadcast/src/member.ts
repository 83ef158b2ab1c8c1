import {
  type BroadcastAnswer,
  type BroadcastContext,
  type BroadcastHandler,
  type DeliveryOutcome,
  optional,
} from '@gridmesh/interfaces'
import { AbortError, type Logger, type PeerId, TimeoutError } from '@libp2p/interface'
import type { MemoryBroadcastComponents } from './index.ts'
import { type Answer, type KnownMessage, KnownMessages } from './known-messages.ts'
import type { HubOptions } from './options.ts'

/** A message on its way to one node. */
export interface Post extends BroadcastContext {
  /** Shared by all that are addressed: handlers get copies. */
  readonly bytes: Uint8Array
}

/** The receiving end of a node: judges each message once, and gives every copy of it the same verdict. */
export class Member {
  readonly peerId: PeerId
  readonly handlers = new Map<string, BroadcastHandler>()
  readonly known: KnownMessages
  readonly #components: MemoryBroadcastComponents
  readonly #options: HubOptions
  readonly #log: Logger
  /** Verdicts that handlers have promised; each ends by the call here, at the latest. */
  readonly #promised = new Set<(err: Error) => void>()
  /** Messages without a verdict. */
  #queued = 0
  #isRunning = false

  constructor(components: MemoryBroadcastComponents, options: HubOptions) {
    this.peerId = components.peerId
    this.known = new KnownMessages(options.maxIds)
    this.#components = components
    this.#options = options
    this.#log = components.logger.forComponent('gridmesh:memory-broadcast')
  }

  /** Takes a message. The outcome is there at once where no handler has to be asked. Never throws or rejects. */
  receive(post: Post): DeliveryOutcome | Promise<DeliveryOutcome> {
    const known = this.known.get(post.id)
    if (known !== undefined) {
      known.delivery?.learn(post.from.toString(), { status: 'seen' })
      return this.#outcome(post, known)
    }
    if (!this.handlers.has(post.topic)) return { status: 'dropped', reason: 'not-subscribed' }
    if (this.#queued >= this.#options.maxQueued) return { status: 'dropped', reason: 'queue-full' }
    const asked: KnownMessage = { verdict: this.#ask(post) }
    this.known.add(post.id, asked)
    return this.#outcome(post, asked)
  }

  start(): void {
    this.#isRunning = true
  }

  /** Gives up on every verdict that is owed, and forgets what was received. */
  stop(): void {
    this.#isRunning = false
    for (const giveUp of this.#promised) giveUp(new AbortError('Stopped'))
    this.known.clear()
  }

  async #outcome({ id, from, topic }: Post, known: KnownMessage): Promise<DeliveryOutcome> {
    const verdict = await known.verdict
    if (verdict === 'busy' || verdict === 'not-subscribed') {
      this.known.remove(id, known)
      return { status: 'dropped', reason: verdict }
    }
    if (verdict === 'accept') return { status: 'acknowledged' }
    if (verdict === 'ignore') return { status: 'dropped', reason: 'ignored' }
    // Who brings an invalid message on has not judged it, so every copy counts.
    const report = { class: 'invalid-message', evidence: `rejected on ${topic}` } as const
    optional(this.#components, 'peerManager')?.report(from, report)
    return { status: 'dropped', reason: 'rejected' }
  }

  /** An answer, whatever the handler does: `ignore` where it gives none, `not-subscribed` where it is gone by now. */
  async #ask({ bytes, ...context }: Post): Promise<Answer> {
    this.#queued++
    try {
      // No handler runs inside of somebody else's publish.
      await Promise.resolve()
      const handler = this.#isRunning ? this.handlers.get(context.topic) : undefined
      if (handler === undefined) return 'not-subscribed'
      const answer = handler(bytes.slice(), context)
      return checkVerdict(typeof answer === 'string' ? answer : await this.#inTime(answer))
    } catch (err) {
      this.#log.error('handler of %s gave no verdict on %s from %p - %e', context.topic, context.id, context.from, err)
      return 'ignore'
    } finally {
      this.#queued--
    }
  }

  async #inTime(answer: Promise<BroadcastAnswer>): Promise<BroadcastAnswer> {
    const { handlerDeadlineMs } = this.#options
    const { promise: overrun, reject } = Promise.withResolvers<never>()
    const late = new TimeoutError(`No verdict within handlerDeadlineMs, which is ${handlerDeadlineMs}`)
    const timer = setTimeout(() => reject(late), handlerDeadlineMs)
    this.#promised.add(reject)
    try {
      return await Promise.race([answer, overrun])
    } finally {
      clearTimeout(timer)
      this.#promised.delete(reject)
    }
  }
}

/** Handlers need not be written in TypeScript. */
function checkVerdict(verdict: BroadcastAnswer): BroadcastAnswer {
  if (verdict === 'accept' || verdict === 'ignore' || verdict === 'reject' || verdict === 'busy') return verdict
  throw new TypeError(`verdict ${String(verdict)} must be accept, ignore, reject or busy`)
}

import { QueueFullError } from '@gridmesh/interfaces'
import type { Broadcast, Envelope, Health, Lane, PeerManager, Unicast, UnicastHandler } from '@gridmesh/interfaces'
import { AbortError } from '@libp2p/interface'
import type { PeerId } from '@libp2p/interface'
import { MESSAGE_HANDLER, REQUEST_HANDLER } from './constants.ts'
import { Dispatcher } from './dispatcher.ts'
import type { DropReason, End } from './dispatcher.ts'
import { Inbound } from './inbound.ts'
import type { HandlerJob } from './job.ts'
import { Ledger } from './ledger.ts'
import type { LedgerInit } from './ledger.ts'
import { Opener } from './opener.ts'
import type { RouterOptions } from './options.ts'
import { Outbound } from './outbound.ts'
import type { Registration, Registry } from './registry.ts'

/** The services that one session talks to. */
export interface Siblings {
  envelope: Envelope
  broadcast: Broadcast
  unicast: Unicast
  peerManager: PeerManager | undefined
  health: Pick<Health, 'load'> | undefined
}

/** What outlives a session. */
export interface SessionInit extends LedgerInit {
  self: PeerId
  options: RouterOptions
  registry: Registry
}

/** The router from one start to the next stop: whatever it takes hold of, `close` lets go. */
export class Session {
  readonly outbound: Outbound
  readonly #init: SessionInit
  readonly #siblings: Siblings
  readonly #ledger: Ledger
  readonly #dispatcher: Dispatcher<HandlerJob>
  readonly #inbound: Inbound
  readonly #handled = new Set<string>()
  readonly #subscriptions = new Map<Registration, () => void>()
  readonly #stopping = new AbortController()
  #drained: Promise<void> | undefined

  constructor(init: SessionInit, siblings: Siblings) {
    const { options, registry, self } = init
    this.#init = init
    this.#siblings = siblings
    this.#ledger = new Ledger(init, siblings.peerManager)
    this.#dispatcher = new Dispatcher(options, {
      onEnded: (job, tookMs, end) => this.#onEnded(job, tookMs, end),
      onDropped: (job, reason) => this.#onDropped(job, reason),
    })
    this.#inbound = new Inbound({
      ...options,
      envelope: siblings.envelope,
      health: siblings.health,
      opener: new Opener(options, siblings.envelope),
      registry,
      dispatcher: this.#dispatcher,
      ledger: this.#ledger,
      self: self.toMultihash().bytes,
      stopping: this.#stopping.signal,
    })
    this.outbound = new Outbound({
      ...options,
      ...siblings,
      ledger: this.#ledger,
      stopped: this.#stopping.signal,
    })
  }

  queuedIn(lane: Lane): number {
    return this.#dispatcher.queues.sizeOf(lane)
  }

  /** Takes messages from the carriers. */
  open(): void {
    this.#handle(MESSAGE_HANDLER, async (bytes, context) => this.#inbound.receiveMessage(bytes, context))
    this.#handle(REQUEST_HANDLER, async (bytes, context) => this.#inbound.receiveRequest(bytes, context))
    for (const registration of this.#init.registry.values()) this.subscribe(registration)
  }

  /** Takes broadcasts of one kind, unless it is a request: those come to one peer. */
  subscribe(registration: Registration): void {
    if (registration.isRequest || this.#drained != null) return
    const end = this.#siblings.broadcast.subscribe(
      registration.kind,
      (bytes, context) => this.#inbound.receiveBroadcast(registration, bytes, context),
      { lane: registration.lane },
    )
    this.#subscriptions.set(registration, end)
  }

  unsubscribe(registration: Registration): void {
    const end = this.#subscriptions.get(registration)
    this.#subscriptions.delete(registration)
    end?.()
  }

  /** Takes nothing more, sends what is batched and waits, within bounds, for handlers to end. */
  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  /** Lets go of everything at once. */
  close(): void {
    const lost = this.#dispatcher.stop()
    if (lost > 0) this.#init.log('stopped with %d messages unhandled', lost)
    this.#stopping.abort(new AbortError('The router stopped'))
  }

  #handle(name: string, handler: UnicastHandler): void {
    this.#siblings.unicast.handle(name, handler)
    // Only now is it ours to remove: another may hold the name.
    this.#handled.add(name)
  }

  async #drain(): Promise<void> {
    for (const registration of this.#subscriptions.keys()) this.unsubscribe(registration)
    for (const name of this.#handled) this.#siblings.unicast.unhandle(name)
    this.#handled.clear()

    const elapsed = Promise.withResolvers<void>()
    const timer = setTimeout(elapsed.resolve, this.#init.options.stopTimeoutMs)
    const done = Promise.all([this.outbound.flush(), this.#dispatcher.whenIdle()])
    await Promise.race([done, elapsed.promise])
    clearTimeout(timer)
  }

  #onEnded(job: HandlerJob, tookMs: number, end: End): void {
    this.#ledger.handled(job.context.kind, tookMs)
    if (end.how === 'returned') return
    // What a handler throws because it was told to give up is no fault of it.
    const isExcused = end.how === 'stopped' || (end.how === 'threw' && job.isCancelled())
    job.fail(end.error)
    if (isExcused) return
    this.#ledger.failed(job.context, end.how === 'late' ? 'handler-timeout' : 'handler-threw', end.error)
  }

  #onDropped(job: HandlerJob, reason: DropReason): void {
    job.fail(this.#dropError(job.lane, reason))
    this.#ledger.dropped(job.context, job.lane, reason, job.count)
  }

  #dropError(lane: Lane, reason: DropReason): Error {
    const { maxQueued, maxQueuedBytes } = this.#init.options
    if (reason === 'evicted') return new QueueFullError('maxQueuedBytes', maxQueuedBytes, lane)
    if (reason === 'queue-full') return new QueueFullError(`maxQueued.${lane}`, maxQueued[lane], lane)
    return new AbortError(`The message was dropped: ${reason}`)
  }
}

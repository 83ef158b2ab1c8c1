import { QueueFullError } from '@gridmesh/interfaces'
import type {
  BroadcastAnswer,
  BroadcastContext,
  Envelope,
  Health,
  Lane,
  MaybePromise,
  UnicastContext,
  Verdict,
} from '@gridmesh/interfaces'
import { NotStartedError } from '@libp2p/interface'
import type { PeerId } from '@libp2p/interface'
import { REPLY_SUFFIX, SHED_LANES, UNKNOWN_KIND } from './constants.ts'
import { InboundContext } from './context.ts'
import type { Arrival } from './context.ts'
import type { Dispatcher, DropReason } from './dispatcher.ts'
import { Dropped } from './dropped.ts'
import { MessageRejectedError, MessageTooLargeError, NodeBusyError } from './errors.ts'
import { HandlerJob } from './job.ts'
import type { Ledger, Subject } from './ledger.ts'
import { after, all, isPending, settle } from './maybe.ts'
import type { OpenedBatch, Opener } from './opener.ts'
import { isOwnDoing } from './policies.ts'
import type { Judged, Registration, Registry } from './registry.ts'
import { ValidatorWait } from './validator-wait.ts'
import { digestOf, encodeReply } from './wire.ts'

/** What inbound messages pass through. */
export interface InboundInit {
  envelope: Envelope
  opener: Opener
  registry: Registry
  dispatcher: Dispatcher<HandlerJob>
  ledger: Ledger
  health: Pick<Health, 'load'> | undefined
  /** Our own peer id as it stands in a message that is meant for us. */
  self: Uint8Array
  maxQueued: Readonly<Record<Lane, number>>
  maxOpening: number
  maxReplyBytes: number
  busyRetryAfterMs: number
  handlerTimeoutMs: number
  /** Aborts when the router stops. */
  stopping: AbortSignal
}

/** Opens, judges and queues what the carriers bring. */
export class Inbound {
  readonly #init: InboundInit
  readonly #validators: ValidatorWait

  constructor(init: InboundInit) {
    this.#init = init
    this.#validators = new ValidatorWait(init.handlerTimeoutMs, init.stopping)
  }

  /** Judges a broadcast of the kind of `registration`; never throws. */
  receiveBroadcast(
    registration: Registration,
    bytes: Uint8Array,
    context: BroadcastContext,
  ): MaybePromise<BroadcastAnswer> {
    const { opener, ledger } = this.#init
    const subject: Subject = { from: context.from, kind: registration.kind, via: 'broadcast' }
    const registrationOf = (kind: string): Registration | undefined =>
      kind === registration.kind ? registration : undefined
    const { lane } = registration
    const obstacle = this.#load(lane) ?? this.#openings(lane)
    if (obstacle != null) {
      // Not opened, so not known to be valid: neither taken nor passed on, and nobody is blamed.
      ledger.dropped(subject, lane, reasonOf(obstacle))
      return 'busy'
    }
    return settle<Verdict, BroadcastAnswer>(
      () => after(opener.open(bytes, { lane, registrationOf }), (opened) => this.#takeBroadcast(subject, opened)),
      (verdict) => verdict,
      (err) => {
        if (err instanceof Dropped) return 'ignore'
        if (ledger.refused(subject, err) !== 'ignore') return 'reject'
        return isOwnDoing(err) ? 'busy' : 'ignore'
      },
    )
  }

  /** Takes a one-way message: done as soon as it is queued. */
  receiveMessage(bytes: Uint8Array, context: UnicastContext): MaybePromise<void> {
    return this.#receiveUnicast(bytes, context, false, (opened, subject) => {
      return after(this.#judgeOne(opened, subject, []), (job) => this.#put(subject, opened, job))
    })
  }

  /** Takes a request: done when its handler is, with the sealed answer. */
  async receiveRequest(bytes: Uint8Array, context: UnicastContext): Promise<Uint8Array> {
    const { registration, answer } = await this.#receiveUnicast(bytes, context, true, (opened, subject) => {
      return after(this.#judgeOne(opened, subject, [context.signal]), (job) => {
        this.#put(subject, opened, job)
        return { registration: opened.registration, answer: job.result() }
      })
    })
    const message = (await answer) ?? new Uint8Array()
    const { kind, lane } = registration
    const { envelope, ledger, maxReplyBytes } = this.#init
    if (message.byteLength > maxReplyBytes) {
      throw new MessageTooLargeError(kind + REPLY_SUFFIX, message.byteLength, maxReplyBytes, 'maxReplyBytes')
    }
    const payload = encodeReply(digestOf(bytes), message)
    const sealed = await envelope.seal({ kind: kind + REPLY_SUFFIX, lane, payload })
    ledger.sent(kind, 1, context.peer)
    return sealed
  }

  #receiveUnicast<R>(
    bytes: Uint8Array,
    context: UnicastContext,
    isRequest: boolean,
    take: (opened: OpenedBatch, subject: Subject) => MaybePromise<R>,
  ): MaybePromise<R> {
    const { opener, ledger, registry, self } = this.#init
    let subject: Subject = { from: context.peer, kind: UNKNOWN_KIND, via: 'unicast' }
    const registrationOf = (kind: string): Registration | undefined => {
      const registration = registry.get(kind)
      if (registration?.isRequest !== isRequest) return undefined
      subject = { ...subject, kind }
      return registration
    }
    // Before the envelope is opened: a refused sender may try the same bytes again, and they must not be a replay.
    const { lane, peer } = context
    const obstacle = this.#load(lane) ?? this.#openings(lane) ?? this.#fullness(lane, peer)
    if (obstacle != null) {
      ledger.dropped(subject, lane, reasonOf(obstacle))
      throw obstacle
    }
    return settle(
      () =>
        after(opener.open(bytes, { lane, sender: peer, recipient: self, registrationOf }), (opened) =>
          take(opened, subject),
        ),
      (taken) => taken,
      (err) => {
        if (!(err instanceof Dropped)) ledger.refused(subject, err)
        throw err instanceof Dropped ? err.cause : err
      },
    )
  }

  #takeBroadcast(subject: Subject, opened: OpenedBatch): MaybePromise<Verdict> {
    if (this.#init.stopping.aborted) return 'ignore'

    const { registration, messages } = opened
    if (registration.judgeBatch !== undefined) {
      const bytes = messages.reduce((sum, { byteLength }) => sum + byteLength, 0)
      const judge = registration.judgeBatch
      const size = { bytes, count: messages.length }
      return after(
        this.#judge(subject, opened, [], size, (context) => judge(messages, context)),
        (job) => this.#queueAll(subject, [job]),
      )
    }
    const judged: MaybePromise<HandlerJob | undefined>[] = []
    for (const bytes of messages) {
      const job = this.#judgeMessage(subject, opened, bytes, [])
      // Where a later one is refused at once, nobody waits for this one any more.
      if (isPending(job)) job.catch(() => undefined)
      judged.push(job)
    }
    return after(all(judged), (jobs) => this.#queueAll(subject, jobs))
  }

  #queueAll(subject: Subject, judged: readonly (HandlerJob | undefined)[]): Verdict {
    const { dispatcher, ledger, stopping } = this.#init
    if (stopping.aborted) return 'ignore'
    const jobs = judged.filter((job) => job != null)
    // Some that are not wanted here must not keep the others from whoever comes after us.
    if (jobs.length === 0) return 'ignore'
    // A valid message is passed on even where there is no room for it here: our load is not the network's.
    for (const job of jobs) if (dispatcher.put(job).ok) ledger.received(subject, job.count)
    return 'accept'
  }

  #judgeOne(opened: OpenedBatch, subject: Subject, signals: AbortSignal[]): MaybePromise<HandlerJob> {
    const [bytes = new Uint8Array()] = opened.messages
    return after(this.#judgeMessage(subject, opened, bytes, signals), (job) => {
      if (job == null) throw new MessageRejectedError('ignored', subject.kind, 'it is not wanted')
      return job
    })
  }

  /** Decodes and validates one message of a batch. Gives nothing for one that is to be ignored. */
  #judgeMessage(
    subject: Subject,
    opened: OpenedBatch,
    bytes: Uint8Array,
    signals: AbortSignal[],
  ): MaybePromise<HandlerJob | undefined> {
    const { registration } = opened
    const size = { bytes: bytes.byteLength, count: 1 }
    return this.#judge(subject, opened, signals, size, (context) => registration.judge(bytes, context))
  }

  #judge(
    subject: Subject,
    opened: OpenedBatch,
    signals: AbortSignal[],
    { bytes, count }: Pick<HandlerJob, 'bytes' | 'count'>,
    judge: (context: InboundContext) => MaybePromise<Judged>,
  ): MaybePromise<HandlerJob | undefined> {
    const { meta, registration } = opened
    const { from, via } = subject
    const arrival: Arrival = { from, via, signals: [this.#init.stopping, ...signals] }
    const context = new InboundContext(meta, registration, arrival)
    const judging = judge(context)
    return after(isPending(judging) ? this.#validators.verdict(context, judging) : judging, (judged) => {
      if (judged.verdict === 'reject') {
        throw new MessageRejectedError('invalid', registration.kind, 'the validator refused')
      }
      return judged.run == null ? undefined : new HandlerJob(context, bytes, judged.run, count)
    })
  }

  #put(subject: Subject, { registration: { lane } }: OpenedBatch, job: HandlerJob): void {
    const { dispatcher, ledger, stopping } = this.#init
    if (stopping.aborted) throw new Dropped(new NotStartedError('The router has stopped'))
    // What the carrier said of the lane was a hint; the lane of the kind decides.
    const obstacle = this.#load(lane)
    if (obstacle != null) {
      ledger.dropped(subject, lane, reasonOf(obstacle))
      throw new Dropped(obstacle)
    }
    const outcome = dispatcher.put(job)
    if (!outcome.ok) throw new Dropped(new QueueFullError(outcome.limit, outcome.value, lane))
    ledger.received(subject)
  }

  #load(lane: Lane): NodeBusyError | undefined {
    const { health, busyRetryAfterMs } = this.#init
    const load = health?.load ?? 'normal'
    if (load === 'normal' || !SHED_LANES[load].has(lane)) return undefined
    return new NodeBusyError(lane, load, busyRetryAfterMs)
  }

  #openings(lane: Lane): QueueFullError | undefined {
    const { opener, maxOpening } = this.#init
    return opener.isFull(lane) ? new QueueFullError('maxOpening', maxOpening, lane) : undefined
  }

  #fullness(lane: Lane, sender: PeerId): QueueFullError | undefined {
    const { dispatcher, maxQueued } = this.#init
    if (!dispatcher.queues.isFull(lane, sender.toString())) return undefined
    return new QueueFullError(`maxQueued.${lane}`, maxQueued[lane], lane)
  }
}

function reasonOf(obstacle: NodeBusyError | QueueFullError): DropReason {
  return obstacle instanceof NodeBusyError ? 'shed' : 'queue-full'
}

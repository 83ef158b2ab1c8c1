import type {
  CallOutcomes,
  HandleOptions,
  Lane,
  Receipt,
  Unicast,
  UnicastHandler,
  UnicastOptions,
  UnicastStreamHandler,
} from '@gridmesh/interfaces'
import { LANES } from '@gridmesh/interfaces'
import {
  type Connection,
  type Logger,
  NotStartedError,
  type PeerId,
  serviceCapabilities,
  type Startable,
  type Stream,
} from '@libp2p/interface'
import { AnswerMemory } from './answer-memory.ts'
import { KEY_BYTES, MAX_SEEN_STREAMS_PER_LANE, MAX_STREAMS_PER_LANE, MAX_TIMEOUT_MS, PROTOCOLS } from './constants.ts'
import type { Core } from './core.ts'
import { HandlerSlots } from './handler-slots.ts'
import { Handlers } from './handlers.ts'
import { InboundSession } from './inbound-session.ts'
import type { UnicastComponents, UnicastInit } from './index.ts'
import { type Limits, resolveLimits } from './limits.ts'
import { LaneBudgets, type NodeBudgets } from './node-budgets.ts'
import type { Question } from './outbound-call.ts'
import { demandSize } from './payload-size.ts'
import { PeerLinks } from './peer-links.ts'
import { withRetries } from './retry.ts'
import { readSiblings, type Siblings } from './siblings.ts'
import { StreamAdmission } from './stream-admission.ts'
import { StreamCall } from './stream-call.ts'
import { isUsable, openStream } from './stream-opener.ts'
import { withTimeout } from './timeout.ts'
import { UnaryCall } from './unary-call.ts'
import type { StreamJob } from './stream-job.ts'
import type { UnaryJob } from './unary-job.ts'
import { outcomeOf, UnicastMetrics } from './unicast-metrics.ts'
import { encodeName, TYPE } from './wire.ts'

/** Time between two sweeps of idempotency keys, in ms. */
const SWEEP_INTERVAL_MS = 60_000
const NO_OPTIONS: UnicastOptions = {}

/** The service: calls out, handlers in, one kept stream for each peer, lane and direction of asking. */
export class DefaultUnicast implements Unicast, Startable, Core {
  readonly [Symbol.toStringTag] = '@gridmesh/unicast'
  readonly [serviceCapabilities] = ['@gridmesh/unicast']
  readonly limits: Limits
  readonly log: Logger
  readonly metrics: UnicastMetrics
  readonly memory: AnswerMemory
  readonly handlers = new Handlers()
  readonly orphans = new Set<UnaryJob | StreamJob>()
  readonly #components: UnicastComponents
  readonly #slots: HandlerSlots
  readonly #criticalSlots: HandlerSlots
  readonly #links: PeerLinks
  readonly #budgets: LaneBudgets
  readonly #admission: StreamAdmission
  #siblings: Siblings | undefined
  #stop: AbortController | undefined
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(components: UnicastComponents, init: UnicastInit = {}) {
    this.#components = components
    this.limits = resolveLimits(init)
    this.log = components.logger.forComponent('gridmesh:unicast')
    this.memory = new AnswerMemory(this.limits)
    this.#slots = new HandlerSlots(this.limits)
    this.#criticalSlots = new HandlerSlots(this.limits)
    this.#budgets = new LaneBudgets(this.limits)
    this.#links = new PeerLinks(this, this.#budgets, (peer, lane) => this.#open(peer, lane))
    this.#admission = new StreamAdmission(this)
    this.metrics = new UnicastMetrics(components.metrics, () => ({
      running: this.#slots.running + this.#criticalSlots.running,
      waiting: this.#slots.queued + this.#criticalSlots.queued,
      remembered: this.memory.size,
    }))
  }

  get siblings(): Siblings {
    return this.#siblings ?? readSiblings(this.#components)
  }

  slots(lane: Lane): HandlerSlots {
    return lane === 'critical' ? this.#criticalSlots : this.#slots
  }

  budgets(lane: Lane): NodeBudgets {
    return this.#budgets.of(lane)
  }

  async start(): Promise<void> {
    if (this.#stop != null) return
    this.#stop = new AbortController()
    this.#timer = setInterval(() => this.memory.sweep(), SWEEP_INTERVAL_MS)
    this.#components.events.addEventListener('connection:open', this.#onConnection)
    this.#components.events.addEventListener('peer:disconnect', this.#onDisconnect)
    const options = {
      maxInboundStreams: MAX_SEEN_STREAMS_PER_LANE,
      maxOutboundStreams: MAX_STREAMS_PER_LANE,
      runOnLimitedConnection: false,
    }
    await Promise.all(
      LANES.map(async (lane) => {
        const onStream = async (stream: Stream, connection: Connection): Promise<void> =>
          this.#onStream(lane, stream, connection)
        await this.#components.registrar.handle(PROTOCOLS[lane], onStream, options)
      }),
    )
  }

  /** All services are constructed by now: which of the siblings there are is settled. */
  afterStart(): void {
    this.#siblings = readSiblings(this.#components)
  }

  async stop(): Promise<void> {
    if (this.#stop == null) return
    const error = new NotStartedError('The node stopped')
    this.#stop.abort(error)
    this.#stop = undefined
    this.#siblings = undefined
    clearInterval(this.#timer)
    this.#components.events.removeEventListener('connection:open', this.#onConnection)
    this.#components.events.removeEventListener('peer:disconnect', this.#onDisconnect)
    this.#links.abort(error)
    // First of all none may start in the place of another.
    for (const job of this.orphans) job.abandon(error)
    for (const job of this.orphans) job.letGo(error)
    await Promise.all(LANES.map(async (lane) => this.#components.registrar.unhandle(PROTOCOLS[lane])))
  }

  handle(name: string, handler: UnicastHandler, options?: HandleOptions): void {
    this.handlers.add(name, handler, options)
  }

  handleStream(name: string, handler: UnicastStreamHandler): void {
    this.handlers.addStream(name, handler)
  }

  unhandle(name: string): void {
    this.handlers.remove(name)
  }

  async send(peer: PeerId, name: string, bytes: Uint8Array, options: UnicastOptions = NO_OPTIONS): Promise<Receipt> {
    const startedMs = performance.now()
    let attempts = 0
    const once = (question: Question): Promise<unknown> => {
      attempts += 1
      return this.#ask(peer, options.lane, question)
    }
    await this.#call(TYPE.send, name, bytes, options, once)
    return { peer, roundTripMs: performance.now() - startedMs, attempts }
  }

  request(peer: PeerId, name: string, bytes: Uint8Array, options: UnicastOptions = NO_OPTIONS): Promise<Uint8Array> {
    return this.#call(TYPE.request, name, bytes, options, (question) => this.#ask(peer, options.lane, question))
  }

  async *requestStream(
    peer: PeerId,
    name: string,
    source: AsyncIterable<Uint8Array>,
    options: UnicastOptions = NO_OPTIONS,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const question = this.#question(TYPE.open, name, new Uint8Array(0), options)
    const session = this.#links.session(peer, options.lane ?? 'normal')
    yield* new StreamCall(session, question, source, this.limits.streamWindowBytes).answers()
  }

  outcomes(): CallOutcomes {
    return this.metrics.outcomes
  }

  /** Asks once, or as often as it takes where the call is idempotent. */
  #call<T>(
    type: Question['type'],
    name: string,
    payload: Uint8Array,
    options: UnicastOptions,
    once: (question: Question) => Promise<T>,
  ): Promise<T> {
    try {
      const question = this.#question(type, name, payload, options)
      if (options.idempotent !== true) return once(question)
      question.key = crypto.getRandomValues(new Uint8Array(KEY_BYTES))
      return withRetries(question, this.limits, this.#demandStarted(), once)
    } catch (err) {
      return Promise.reject(err)
    }
  }

  #question(type: Question['type'], name: string, payload: Uint8Array, options: UnicastOptions): Question {
    this.#demandStarted()
    const { deadlineMs = this.limits.deadlineMs, signal, renew } = options
    if (!(deadlineMs > 0 && deadlineMs <= MAX_TIMEOUT_MS)) {
      throw new RangeError(`deadlineMs ${deadlineMs} is outside 1 to ${MAX_TIMEOUT_MS}`)
    }
    demandSize(payload, this.limits.maxMessageBytes)
    signal?.throwIfAborted()
    return { type, name, nameBytes: encodeName(name), payload, key: undefined, deadlineMs, signal, renew }
  }

  /** A signal that aborts when the service stops. @throws {NotStartedError} */
  #demandStarted(): AbortSignal {
    if (this.#stop == null) throw new NotStartedError('unicast is not started')
    return this.#stop.signal
  }

  /** One attempt of a call. */
  #ask(peer: PeerId, lane: Lane = 'normal', question: Question): Promise<Uint8Array> {
    const startedMs = performance.now()
    return new Promise((resolve, reject) => {
      const call = new UnaryCall(
        this.#links.session(peer, lane),
        question,
        (payload) => {
          this.metrics.called(lane, 'ok', performance.now() - startedMs)
          resolve(payload)
        },
        (error, { isSent }) => {
          this.metrics.called(lane, outcomeOf(error), performance.now() - startedMs)
          if (error.name === 'TimeoutError' && isSent) this.#reportSlow(peer, question)
          reject(error)
        },
      )
      call.start()
    })
  }

  #reportSlow(peer: PeerId, { name, deadlineMs }: Question): void {
    const evidence = `no answer from ${name} within ${deadlineMs} ms`
    this.#links.find(peer)?.reporter.report('slow', evidence)
  }

  async #open(peer: PeerId, lane: Lane): Promise<Stream> {
    const stopped = this.#demandStarted()
    const stream = await withTimeout(this.limits.openTimeoutMs, stopped, (signal) =>
      openStream(this.#components, this.siblings, peer, lane, signal),
    )
    if (!stopped.aborted) return stream
    const error = new NotStartedError('The node stopped')
    stream.abort(error)
    throw error
  }

  /** A rejection aborts the stream. */
  async #onStream(lane: Lane, stream: Stream, connection: Connection): Promise<void> {
    const stopped = this.#demandStarted()
    const link = this.#links.of(connection.remotePeer)
    try {
      await this.#admission.admit({ lane, stream, connection }, link, stopped)
    } catch (err) {
      this.#links.forget(link)
      throw err
    }
    const session = new InboundSession(this, link, lane, stream, () => {
      link.inbound.delete(session)
      this.#links.forget(link)
    })
    link.inbound.set(session, connection)
    session.start()
  }

  readonly #onConnection = ({ detail: connection }: CustomEvent<Connection>): void => {
    if (isUsable(connection)) this.#links.renew(connection.remotePeer)
  }

  readonly #onDisconnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    this.#links.lose(peer)
  }
}

import { LANES, optional } from '@gridmesh/interfaces'
import type {
  Delivery,
  MessageContext,
  MessageHandlerOptions,
  MessageKind,
  PublishOptions,
  Receipt,
  RequestKind,
  UnicastOptions,
} from '@gridmesh/interfaces'
import { NotStartedError, serviceCapabilities, TypedEventEmitter } from '@libp2p/interface'
import type { PeerId, Startable } from '@libp2p/interface'
import { routerMetrics } from './metrics.ts'
import type {
  MessageRouter,
  MessageRouterComponents,
  MessageRouterEvents,
  MessageRouterInit,
  MessageStats,
} from './index.ts'
import { routerOptions } from './options.ts'
import type { RouterOptions } from './options.ts'
import { messageRegistration, Registry, requestRegistration } from './registry.ts'
import type { Registration } from './registry.ts'
import { Session } from './session.ts'
import type { SessionInit } from './session.ts'
import { Statistics } from './statistics.ts'

/** The router as a libp2p service: handlers and statistics, which outlive a restart, over one session at a time. */
export class DefaultMessageRouter extends TypedEventEmitter<MessageRouterEvents> implements MessageRouter, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/message-router'
  readonly [serviceCapabilities] = ['@gridmesh/message-router']
  readonly #components: MessageRouterComponents
  readonly #registry: Registry
  readonly #statistics: Statistics
  readonly #init: SessionInit
  #session: Session | undefined

  constructor(components: MessageRouterComponents, init: MessageRouterInit = {}) {
    super()
    const options: RouterOptions = routerOptions(init)
    this.#components = components
    this.#registry = new Registry(options.maxQueuedBytes)
    this.#statistics = new Statistics(options.maxTrackedPeers)
    this.#init = {
      self: components.peerId,
      options,
      policies: options.policies,
      registry: this.#registry,
      statistics: this.#statistics,
      log: components.logger.forComponent('gridmesh:message-router'),
      metrics: routerMetrics(components.metrics, (lane) => this.#session?.queuedIn(lane) ?? 0),
      onDropped: (detail) => this.safeDispatchEvent('messages:dropped', { detail }),
      onRefused: (detail) => this.safeDispatchEvent('messages:refused', { detail }),
    }
  }

  /** Does nothing: the carriers may not have started yet. */
  start(): void {}

  afterStart(): void {
    if (this.#session != null) return
    const { envelope, broadcast, unicast } = this.#components
    const session = new Session(this.#init, {
      envelope,
      broadcast,
      unicast,
      peerManager: optional(this.#components, 'peerManager'),
      health: optional(this.#components, 'health'),
    })
    // Before it opens: should that fail half way, `stop` has something to close.
    this.#session = session
    session.open()
  }

  /** While the carriers still run. */
  async beforeStop(): Promise<void> {
    await this.#session?.drain()
  }

  async stop(): Promise<void> {
    const session = this.#session
    if (session == null) return
    try {
      await session.drain()
    } finally {
      session.close()
      if (this.#session === session) this.#session = undefined
    }
  }

  on<T>(
    kind: MessageKind<T>,
    handler: (value: T, context: MessageContext) => void | Promise<void>,
    options?: MessageHandlerOptions<T>,
  ): () => void {
    return this.#add(messageRegistration(kind, handler, options))
  }

  respond<T, R>(
    kind: RequestKind<T, R>,
    handler: (value: T, context: MessageContext) => R | Promise<R>,
    options?: MessageHandlerOptions<T>,
  ): () => void {
    return this.#add(requestRegistration(kind, handler, options))
  }

  async broadcast<T>(kind: MessageKind<T>, value: T, options: Omit<PublishOptions, 'lane'> = {}): Promise<Delivery> {
    return this.#running().outbound.broadcast(kind, value, options)
  }

  async send<T>(
    peer: PeerId,
    kind: MessageKind<T>,
    value: T,
    options: Omit<UnicastOptions, 'lane' | 'renew'> = {},
  ): Promise<Receipt> {
    return this.#running().outbound.send(peer, kind, value, options)
  }

  async request<T, R>(
    peer: PeerId,
    kind: RequestKind<T, R>,
    value: T,
    options: Omit<UnicastOptions, 'lane' | 'renew'> = {},
  ): Promise<R> {
    return this.#running().outbound.request(peer, kind, value, options)
  }

  stats(): MessageStats {
    const queuedIn = (lane: Parameters<Session['queuedIn']>[0]): number => this.#session?.queuedIn(lane) ?? 0
    return {
      ...this.#statistics.snapshot(),
      queued: {
        critical: queuedIn('critical'),
        high: queuedIn('high'),
        normal: queuedIn('normal'),
        bulk: queuedIn('bulk'),
      },
    }
  }

  queueDepth(): number {
    return LANES.reduce((depth, lane) => depth + (this.#session?.queuedIn(lane) ?? 0), 0)
  }

  #running(): Session {
    if (this.#session == null) throw new NotStartedError('The message router is not started')
    return this.#session
  }

  #add(registration: Registration): () => void {
    this.#registry.add(registration)
    try {
      this.#session?.subscribe(registration)
    } catch (err) {
      this.#registry.remove(registration)
      throw err
    }
    return () => {
      if (this.#registry.remove(registration)) this.#session?.unsubscribe(registration)
    }
  }
}

import { optional, type PeerManager, QueueFullError } from '@gridmesh/interfaces'
import { AbortError, type Connection, type Logger, NotStartedError, type PeerId, TimeoutError } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import PQueue from 'p-queue'
import { raced, within } from './deadline.ts'
import { ownAddresses, wasDenied } from './dial-target.ts'
import { ConnectionRefusedError } from './errors.ts'
import type { PoolState } from './pool-state.ts'
import type { PoolReason } from './reasons.ts'

/** What dialling needs. */
export interface DialComponents {
  connectionManager: Pick<ConnectionManager, 'openConnection'>
  peerManager?: Pick<PeerManager, 'markConnecting' | 'markFailed'>
}

/** One dial, shared by all who wait for it. */
export interface Dial {
  readonly peer: PeerId
  readonly addresses: Map<string, Multiaddr>
  readonly controller: AbortController
  readonly connection: Promise<Connection>
  isRunning: boolean
  waiters: number
  /** Why the gate did not let it through. */
  refusal: PoolReason | undefined
}

/** The node's one budget of dials: so many at once, so many more in a queue, one for each peer. */
export class Dialer {
  readonly #components: DialComponents
  readonly #state: PoolState
  readonly #log: Logger
  readonly #queue: PQueue
  readonly #dials = new Map<string, Dial>()
  readonly #refuse: (peer: PeerId, underway: number) => PoolReason | undefined

  constructor(
    components: DialComponents,
    state: PoolState,
    log: Logger,
    refuse: (peer: PeerId, underway: number) => PoolReason | undefined,
  ) {
    this.#components = components
    this.#state = state
    this.#log = log
    this.#refuse = refuse
    this.#queue = new PQueue({ concurrency: state.options.maxDials })
  }

  get counts(): { active: number; queued: number } {
    return { active: this.#queue.pending, queued: this.#queue.size }
  }

  get(key: string): Dial | undefined {
    return this.#dials.get(key)
  }

  /** Dials, or joins the dial of the peer that is under way. @throws {QueueFullError} when `maxQueuedDials` wait */
  dial(peer: PeerId, addresses: readonly Multiaddr[]): Dial {
    const key = peer.toString()
    const known = this.#dials.get(key)
    const dial = known === undefined || known.controller.signal.aborted ? this.#begin(peer) : known
    if (!dial.isRunning) for (const address of ownAddresses(key, addresses)) this.#learn(dial, address)
    return dial
  }

  /** Waits for a dial. When nobody does any more, it is given up. */
  async wait(dial: Dial, signal: AbortSignal | undefined): Promise<Connection> {
    dial.waiters++
    try {
      return await raced(dial.connection, signal)
    } finally {
      dial.waiters--
      if (dial.waiters === 0) dial.controller.abort(new AbortError('Nobody waits for the dial'))
    }
  }

  /** Notes why a dial that is under way was not let through. */
  noteRefusal(key: string, reason: PoolReason): void {
    const dial = this.#dials.get(key)
    if (dial !== undefined) dial.refusal = reason
  }

  /** Ends all dials. */
  stop(): void {
    for (const { controller } of this.#dials.values()) controller.abort(new NotStartedError('The pool was stopped'))
  }

  #begin(peer: PeerId): Dial {
    const { maxDials, maxQueuedDials } = this.#state.options
    if (this.#queue.pending >= maxDials && this.#queue.size >= maxQueuedDials) {
      throw new QueueFullError('maxQueuedDials', maxQueuedDials)
    }
    const key = peer.toString()
    const controller = new AbortController()
    const { promise: connection, resolve, reject } = Promise.withResolvers<Connection>()
    const dial: Dial = {
      peer,
      addresses: new Map(),
      controller,
      connection,
      isRunning: false,
      waiters: 0,
      refusal: undefined,
    }
    this.#dials.set(key, dial)
    // Whoever waits hears of a failure; where nobody does any more, nobody needs to.
    connection.catch(() => undefined)
    this.#enqueue(dial)
      .finally(() => this.#forget(key, dial))
      .then(resolve, reject)
    return dial
  }

  // One that was given up may still be ending when the next one begins.
  #forget(key: string, dial: Dial): void {
    if (this.#dials.get(key) === dial) this.#dials.delete(key)
  }

  async #enqueue(dial: Dial): Promise<Connection> {
    const { queueTimeoutMs } = this.#state.options
    const { controller } = dial
    const timer = setTimeout(() => {
      controller.abort(new TimeoutError(`The dial did not begin within queueTimeoutMs, ${queueTimeoutMs} ms`))
    }, queueTimeoutMs)
    const begin = (): Promise<Connection> => {
      clearTimeout(timer)
      return this.#run(dial)
    }
    try {
      return await this.#queue.add(begin, { signal: controller.signal })
    } finally {
      clearTimeout(timer)
    }
  }

  async #run(dial: Dial): Promise<Connection> {
    // The addresses of all who asked in the same tick count.
    await Promise.resolve()
    dial.isRunning = true
    const { peer, addresses, controller } = dial
    const reason = this.#refuse(peer, this.#underway(dial))
    if (reason !== undefined) throw new ConnectionRefusedError(reason)
    this.#tell((manager) => manager.markConnecting(peer))
    try {
      const target = addresses.size === 0 ? peer : [...addresses.values()]
      return await within(this.#state.options.dialTimeoutMs, [controller.signal], (signal) =>
        this.#components.connectionManager.openConnection(target, { signal }),
      )
    } catch (err) {
      // Also where nobody waits any more: what was begun has to be ended.
      this.#tell((manager) => manager.markFailed(peer))
      throw dial.refusal !== undefined && wasDenied(err)
        ? new ConnectionRefusedError(dial.refusal, { cause: err })
        : err
    }
  }

  /** The other running dials that will need an ordinary slot, and do not have it yet. */
  #underway(except: Dial): number {
    const { ledger, probed } = this.#state
    const running = [...this.#dials].filter(([key, dial]) => dial !== except && dial.isRunning && !probed.has(key))
    return running.filter(([key]) => !ledger.residents().has(key)).length
  }

  #learn(dial: Dial, address: Multiaddr): void {
    if (dial.addresses.size < this.#state.options.maxAddressesPerDial) dial.addresses.set(address.toString(), address)
  }

  /** A manager that finds a move illegal has its own view of the peer; it must not cost us the dial. */
  #tell(tell: (manager: NonNullable<DialComponents['peerManager']>) => void): void {
    try {
      const manager = optional(this.#components, 'peerManager')
      if (manager !== undefined) tell(manager)
    } catch (err) {
      this.#log.error('the peer manager did not take what it was told - %e', err)
    }
  }
}

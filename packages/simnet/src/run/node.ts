import type { Connection, Libp2p, PeerId, ServiceMap } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Actor } from '../clock/actor.ts'
import { NodeDownError } from '../errors.ts'
import type { Machine } from '../links/machine.ts'
import type { NodePlan, SimNode } from '../types.ts'
import type { World } from './world.ts'

/** A node through all its lives. */
export class WorldNode<S extends ServiceMap> implements SimNode<S> {
  readonly #world: World<S>
  readonly machine: Machine
  #plan: NodePlan
  #actor: Actor
  #libp2p: Libp2p<S> | undefined
  #status: SimNode['status'] = 'stopped'
  /** The start that is under way, for all who wait for it. */
  #start: (() => Promise<void>) | undefined
  /** What waits for something that runs on the node. */
  readonly #waiting = new Set<(err: Error) => void>()

  constructor(world: World<S>, index: number) {
    this.#world = world
    const { plan, machine } = world.found(index)
    this.machine = machine
    this.#plan = plan
    this.#actor = machine.actor = world.createActor(plan)
  }

  get index(): number {
    return this.#plan.index
  }

  get region(): string {
    return this.#plan.region
  }

  get peerId(): PeerId {
    return this.#plan.peerId
  }

  get address(): Multiaddr {
    return this.#plan.address
  }

  get status(): SimNode['status'] {
    return this.#status
  }

  get actor(): Actor {
    return this.#actor
  }

  get timers(): number {
    return this.#world.clock.timersOf(this.#actor)
  }

  get libp2p(): Libp2p<S> {
    if (this.#libp2p === undefined) throw new NodeDownError(this.index)
    return this.#libp2p
  }

  get services(): S {
    return this.libp2p.services
  }

  async run<T>(fn: (services: S, node: SimNode<S>) => T | Promise<T>): Promise<T> {
    return this.#perform(() => fn(this.services, this))
  }

  async dial(other: SimNode<S> | Multiaddr | PeerId): Promise<Connection> {
    const target = 'run' in other ? other.address : other
    return this.#perform(() => this.libp2p.dial(target))
  }

  /** Builds and starts the node, `delayMs` from now; who asks while it starts waits for the same start. */
  async start(delayMs = 0): Promise<void> {
    this.#start ??= this.#startOnce()
    await this.#perform(this.#start, delayMs)
  }

  async stop(): Promise<void> {
    const actor = this.#actor
    await this.#perform(async () => {
      await this.libp2p.stop()
      // It may have crashed while it stopped.
      if (actor.isAlive) this.#status = 'stopped'
    })
  }

  crash(isSilent: boolean): void {
    if (this.#status !== 'up') throw new NodeDownError(this.index)
    this.#status = 'crashed'
    this.#world.fabric.crash(this.machine, isSilent)
    this.#end()
  }

  async restart(hasDisk: boolean): Promise<void> {
    if (this.#status === 'up') throw new RangeError(`Node ${this.index} is up: it cannot be restarted`)
    if (this.#start === undefined) this.#renew(hasDisk)
    await this.start()
  }

  #startOnce(): () => Promise<void> {
    let started: Promise<void> | undefined
    return () => (started ??= this.#buildAndStart())
  }

  async #buildAndStart(): Promise<void> {
    try {
      this.#libp2p = await this.#world.build(this.#plan, this.machine)
      await this.#libp2p.start()
      this.#status = 'up'
    } finally {
      this.#start = undefined
    }
  }

  /** Ends the last life of the node and prepares its next one. */
  #renew(hasDisk: boolean): void {
    if (!hasDisk) this.#world.forgetDisk(this.index)
    // A node that was down from the start has no life before.
    if (this.#libp2p !== undefined) this.#plan = { ...this.#plan, restarts: this.#plan.restarts + 1 }
    this.#end()
    const { skewMs } = this.#actor
    this.#actor = this.machine.actor = this.#world.createActor(this.#plan)
    this.#actor.skewMs = skewMs
    this.machine.isUp = true
  }

  /** Nothing that was planned on the node happens any more, and who waits for it learns so. */
  #end(): void {
    this.#actor.isAlive = false
    this.#actor.backlog = undefined
    for (const reject of this.#waiting) reject(new NodeDownError(this.index))
    this.#waiting.clear()
  }

  /** Runs something on behalf of the node; its outcome is heard of by who called, as an event of theirs. */
  async #perform<T>(fn: () => T | Promise<T>, delayMs = 0): Promise<T> {
    if (!this.#actor.isAlive) throw new NodeDownError(this.index)
    const { clock } = this.#world
    const caller = clock.current
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiting.add(reject)
    const settle = (tell: () => void): void => {
      this.#waiting.delete(reject)
      clock.plan('task', caller, 0, tell)
    }
    clock.plan('task', this.#actor, delayMs, () => {
      const outcome = (async () => fn())()
      outcome.then(
        (value) => settle(() => resolve(value)),
        (err: unknown) => settle(() => reject(err)),
      )
    })
    return promise
  }
}

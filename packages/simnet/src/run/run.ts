import type { PrivateKey, ServiceMap, Transport } from '@libp2p/interface'
import { createActor } from '../clock/actor.ts'
import { realPerformanceNow } from '../clock/real.ts'
import { RunLoop } from '../clock/run-loop.ts'
import { forgetTimers } from '../clock/sim-timer.ts'
import { VirtualClock } from '../clock/virtual-clock.ts'
import {
  DEFAULT_EPOCH_MS,
  DEFAULT_LAST_EVENTS,
  DEFAULT_MAX_EVENTS_PER_INSTANT,
  DEFAULT_MAX_VIRTUAL_MS,
  DEFAULT_MAX_WALL_MS,
  SCENARIO,
} from '../constants.ts'
import { UnseededKeyError } from '../errors.ts'
import { Fabric } from '../links/fabric.ts'
import { PatchList } from '../patch/patch-list.ts'
import { patchRandomness } from '../patch/randomness.ts'
import { refuseRealWork } from '../patch/real-work.ts'
import { ThreadGate } from '../patch/thread-gate.ts'
import { patchTime } from '../patch/time.ts'
import { patchTimers } from '../patch/timers.ts'
import { Random, seedBits } from '../random/random.ts'
import { SimTransport } from '../stack/sim-transport.ts'
import type { TransportComponents, TransportOptions } from '../index.ts'
import type { SimulationContext, SimulationInit, SimulationResult } from '../types.ts'
import { ScenarioContext, simClock, watchInvariants } from './context.ts'
import { Deliveries } from './deliveries.ts'
import { identityOf } from './identity.ts'
import { Network } from './network.ts'
import { WorldNode } from './node.ts'
import { ProcessGuard } from './process-guard.ts'
import { Trace } from './trace.ts'
import { Violations } from './violations.ts'
import { defaultIp, World } from './world.ts'

/** Nodes start within this time, since in life they do not all start at once, in ms. */
const START_SPREAD_MS = 1_000
const SCENARIO_STREAM = 0x7000_0000
const BYTES_PER_KIB = 1_024

type Scenario<S extends ServiceMap> = (context: SimulationContext<S>) => Promise<void>

/** One run of a simulation, from the taking of the clock to giving it back. */
export class Run<S extends ServiceMap> {
  readonly #init: SimulationInit<S>
  readonly #seed: number
  readonly #random: Random
  readonly #clock: VirtualClock
  readonly #fabric: Fabric
  readonly #world: World<S>
  readonly #trace: Trace
  readonly #violations: Violations
  readonly #deliveries: Deliveries
  readonly #patches = new PatchList()
  readonly #guard = new ProcessGuard()
  readonly #gate: ThreadGate
  /** Peer ids of the keys that were handed out. */
  readonly #handedOut = new Set<string>()
  #machines: number

  constructor(init: SimulationInit<S>) {
    this.#init = init
    this.#seed = seedBits(init.seed)
    this.#random = new Random(this.#seed, SCENARIO_STREAM)
    this.#clock = new VirtualClock(createActor(SCENARIO, this.#random))
    this.#fabric = new Fabric(this.#clock, init.links ?? {}, this.#seed)
    this.#world = new World(init, this.#seed, this.#clock, this.#fabric)
    this.#trace = new Trace(init.lastEvents ?? DEFAULT_LAST_EVENTS, init.onTrace)
    this.#violations = new Violations(this.#clock, this.#trace)
    this.#deliveries = new Deliveries(
      () => this.#clock.nowMs,
      (message) => this.#violations.add('delivered-twice', message),
    )
    this.#gate = new ThreadGate(this.#clock)
    this.#machines = init.nodes ?? 0
  }

  async perform(scenario: Scenario<S>, signal: AbortSignal | undefined): Promise<SimulationResult> {
    const startedAt = realPerformanceNow()
    const loop = this.#createLoop()
    const onAbort = (): void => loop.fail(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#install(loop)
    try {
      this.#clock.onEvent = (event) => {
        try {
          this.#trace.add(event)
        } catch (err) {
          // It is the caller's `onTrace` that throws, and nobody's event.
          loop.fail(err)
        }
      }
      this.#clock.plan('task', this.#clock.current, 0, () => {
        this.#scenario(scenario).then(
          () => loop.finish(),
          (err: unknown) => loop.fail(err),
        )
      })
      await loop.run()
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#uninstall()
    }
    return this.#result(loop.events, realPerformanceNow() - startedAt)
  }

  /** A transport for a libp2p that the scenario makes itself, on a machine of its own. */
  createTransport(components: TransportComponents, { hasOwnKey = false }: TransportOptions): Transport {
    const peer = components.peerId.toString()
    if (!hasOwnKey && !this.#handedOut.has(peer)) throw new UnseededKeyError(peer)
    const index = this.#machines++
    const { regions } = this.#fabric.model
    const region = this.#init.region?.(index) ?? regions[index % regions.length] ?? 'one'
    const machine = this.#fabric.addMachine(index, this.#init.ip?.(index) ?? defaultIp(index), region)
    machine.actor = this.#clock.current
    return new SimTransport(components, this.#fabric, machine)
  }

  /** The next key behind those of the nodes. */
  createKey(): PrivateKey {
    const { privateKey, peerId } = identityOf(this.#seed, (this.#init.nodes ?? 0) + this.#handedOut.size)
    this.#handedOut.add(peerId.toString())
    return privateKey
  }

  #createLoop(): RunLoop {
    const init = this.#init
    return new RunLoop({
      clock: this.#clock,
      gate: this.#gate,
      maxVirtualMs: init.maxVirtualMs ?? DEFAULT_MAX_VIRTUAL_MS,
      maxWallMs: init.maxWallMs ?? DEFAULT_MAX_WALL_MS,
      maxEventsPerInstant: init.maxEventsPerInstant ?? DEFAULT_MAX_EVENTS_PER_INSTANT,
      allowRealWork: init.allowRealWork ?? false,
      onThrow: (err) => this.#violations.addThrown('uncaught', err),
    })
  }

  #install(loop: RunLoop): void {
    this.#guard.install((kind, err) => {
      this.#violations.addThrown(kind === 'uncaughtException' ? 'uncaught' : 'unhandled-rejection', err)
    })
    patchTimers(this.#patches, this.#clock)
    patchTime(this.#patches, this.#clock, this.#init.epochMs ?? DEFAULT_EPOCH_MS)
    patchRandomness(this.#patches, this.#clock)
    this.#gate.install(this.#patches)
    if (this.#init.allowRealWork !== true) refuseRealWork(this.#patches, (err) => loop.fail(err))
    this.#patches.publish()
  }

  #uninstall(): void {
    this.#gate.close()
    this.#patches.restore()
    this.#guard.restore()
    this.#clock.clear()
    forgetTimers()
  }

  async #scenario(scenario: Scenario<S>): Promise<void> {
    const clock = simClock(this.#clock)
    const nodes = Array.from({ length: this.#init.nodes ?? 0 }, (_, index) => new WorldNode(this.#world, index))
    const network = new Network(nodes, this.#fabric, clock, this.#random)
    const parts = { deliveries: this.#deliveries, random: this.#random, violations: this.#violations }
    const context = new ScenarioContext<S>({ nodes, network, clock, ...parts })
    const up = nodes.filter(({ index }) => this.#init.isDown?.(index) !== true)
    await Promise.all(up.map((node) => node.start(this.#random.next() * START_SPREAD_MS)))
    const lookOnceMore = watchInvariants(this.#init.invariants ?? [], context, this.#clock, this.#violations)
    await scenario(context)
    lookOnceMore()
  }

  #result(events: number, wallMs: number): SimulationResult {
    return {
      seed: this.#init.seed,
      traceHash: this.#trace.digest(),
      events,
      ...this.#deliveries.summary(),
      virtualMs: this.#clock.nowMs,
      wallMs,
      peakBytes: process.resourceUsage().maxRSS * BYTES_PER_KIB,
      violations: this.#violations.list,
    }
  }
}

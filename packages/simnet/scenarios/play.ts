import type { Invariant, NodeOptions, NodePlan, SimulationContext } from '@gridmesh/simnet'
import { Accounts, SETTLE_MS } from './accounts.ts'
import { app, type SimServices } from './app.ts'
import { Calls } from './calls.ts'
import { laws } from './laws.ts'
import { Ledger, type Observation } from './ledger.ts'
import type { PlayedNode } from './run-scenario.ts'
import type { Cast, Conduct, NodeKit, NodeSettings, Scenario } from './scenario.ts'
import { type Attack, Stage } from './stage.ts'

/** Time between two looks at whether all is settled, in ms. */
const LOOK_MS = 100

/** One performance of a scenario: what outlives the nodes, and what they are made of. */
export class Play {
  readonly #scenario: Scenario
  readonly #cast: Cast
  readonly #kit: NodeKit
  readonly #settings: (index: number) => NodeSettings
  readonly #ledger = new Ledger()
  readonly #accounts = new Accounts()
  readonly #calls: Calls
  readonly #attack: Attack = { isOn: false, by: new Set() }
  #context: SimulationContext<SimServices> | undefined
  #stage: Stage | undefined
  #topology: PlayedNode[] = []

  constructor(scenario: Scenario, cast: Cast, kit: NodeKit, settings: (index: number) => NodeSettings) {
    this.#scenario = scenario
    this.#cast = cast
    this.#kit = kit
    this.#settings = settings
    this.#calls = new Calls(
      () => this.#context?.clock.nowMs ?? 0,
      (...args) => this.#context?.expect(...args),
    )
  }

  get topology(): readonly PlayedNode[] {
    return this.#topology
  }

  get observations(): readonly Observation[] {
    return this.#ledger.observations
  }

  build(plan: NodePlan): NodeOptions<SimServices> {
    const settings = this.#settings(plan.index)
    const { services, ...options } = this.#kit.build(plan, settings)
    const application = app({
      plan,
      ledger: this.#ledger,
      hasAllModules: settings.modules === 'all',
      onCall: (...call) => this.#calls.handled(...call),
      ...(plan.index < this.#cast.honest ? {} : { conduct: (bytes) => this.#conduct(bytes, plan.index) }),
    })
    return { ...options, services: { ...services, app: application } }
  }

  laws(): Invariant<SimServices>[] {
    const { honest } = this.#cast
    const parts = { kit: this.#kit, accounts: this.#accounts, calls: this.#calls, settings: this.#settings }
    return laws({ ...parts, honest, stage: () => this.#stage })
  }

  async run(context: SimulationContext<SimServices>): Promise<void> {
    this.#context = context
    this.#ledger.attach(context)
    const stage = new Stage({
      context,
      cast: this.#cast,
      ledger: this.#ledger,
      calls: this.#calls,
      accounts: this.#accounts,
      attack: this.#attack,
      settings: this.#settings,
    })
    this.#stage = stage
    await this.#scenario.play(stage)
    await this.#settle(context)
    this.#topology = context.nodes.map(({ index, region, status, libp2p }) => {
      const links = status === 'up' ? libp2p.getPeers().map((peer) => stage.indexOf(peer.toString())) : []
      return { index, region, status, isHonest: index < this.#cast.honest, links: links.filter((to) => to > index) }
    })
  }

  /** Waits until all that was published and called came to a result, or to where a law says that it did not. */
  async #settle({ clock }: SimulationContext<SimServices>): Promise<void> {
    const endMs = clock.nowMs + SETTLE_MS
    while ((this.#accounts.isOpen || this.#calls.isOpen) && clock.nowMs <= endMs) await clock.sleep(LOOK_MS)
  }

  #conduct(bytes: Uint8Array, attacker: number): Conduct {
    const conduct = this.#attack.isOn ? (this.#scenario.conduct?.(bytes) ?? 'drop') : 'pass'
    if (conduct !== 'pass') this.#attack.by.add(attacker)
    return conduct
  }
}

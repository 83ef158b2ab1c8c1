import type { Connection, ServiceMap } from '@libp2p/interface'
import { DEFAULT_DEGREE } from '../constants.ts'
import type { Fabric } from '../links/fabric.ts'
import type { Machine } from '../links/machine.ts'
import type { Random } from '../random/random.ts'
import type {
  ConnectOptions,
  CrashOptions,
  LinkInit,
  Partition,
  RestartOptions,
  SimClock,
  SimNetwork,
  SimNode,
} from '../types.ts'
import type { WorldNode } from './node.ts'

/** Nodes begin to dial within this time, since in life they do not all begin at once, in ms. */
const SPREAD_MS = 1_000
/** A node that is busy with arrivals refuses; who wants in comes back. */
const DIAL_TRIES = 4

/** The network as scenarios handle it. */
export class Network<S extends ServiceMap> implements SimNetwork<S> {
  readonly #nodes: readonly WorldNode<S>[]
  readonly #fabric: Fabric
  readonly #clock: SimClock
  readonly #random: Random

  constructor(nodes: readonly WorldNode<S>[], fabric: Fabric, clock: SimClock, random: Random) {
    this.#nodes = nodes
    this.#fabric = fabric
    this.#clock = clock
    this.#random = random
  }

  get traffic(): { bytes: number; messages: number } {
    return { bytes: this.#fabric.bytes, messages: this.#fabric.messages }
  }

  async connect(from: SimNode<S>, to: SimNode<S>): Promise<Connection> {
    return from.dial(to)
  }

  async connectAll({ degree = DEFAULT_DEGREE }: ConnectOptions = {}): Promise<void> {
    const up = this.#nodes.filter(({ status }) => status === 'up')
    const plans = up.map((node, at) => {
      return { node, peers: this.#choosePeers(up, at, degree), delayMs: this.#random.next() * SPREAD_MS }
    })
    await Promise.all(
      plans.map(async ({ node, peers, delayMs }) => {
        await this.#clock.sleep(delayMs)
        for (const peer of peers) await this.#connectPatiently(node, peer)
      }),
    )
  }

  partition(...groups: readonly (readonly SimNode<S>[])[]): Partition {
    const groupOf = new Map<Machine, number>()
    groups.forEach((group, number) => {
      for (const node of group) groupOf.set(this.#of(node).machine, number)
    })
    const heal = this.#fabric.block({
      blocks: (from, to) => {
        const [a, b] = [groupOf.get(from), groupOf.get(to)]
        return a !== undefined && b !== undefined && a !== b
      },
    })
    return { heal }
  }

  block(from: readonly SimNode<S>[], to: readonly SimNode<S>[]): Partition {
    const sources = new Set(from.map((node) => this.#of(node).machine))
    const targets = new Set(to.map((node) => this.#of(node).machine))
    return { heal: this.#fabric.block({ blocks: (a, b) => sources.has(a) && targets.has(b) }) }
  }

  heal(): void {
    this.#fabric.healAll()
  }

  crash(node: SimNode<S>, { silent = false }: CrashOptions = {}): void {
    this.#of(node).crash(silent)
  }

  async restart(node: SimNode<S>, { disk = true }: RestartOptions = {}): Promise<void> {
    await this.#of(node).restart(disk)
  }

  async stop(node: SimNode<S>): Promise<void> {
    await this.#of(node).stop()
  }

  slow(node: SimNode<S>, cpuMs: number): void {
    if (!(cpuMs >= 0)) throw new RangeError(`cpuMs is ${cpuMs}, expected 0 or more`)
    this.#of(node).actor.cpuMs = cpuMs
  }

  skew(node: SimNode<S>, ms: number): void {
    if (!Number.isFinite(ms)) throw new RangeError(`The skew is ${ms}, expected a number of ms`)
    this.#of(node).actor.skewMs = ms
  }

  links(change: Pick<LinkInit, 'jitterMs' | 'loss'>): void {
    this.#fabric.model.change(change)
  }

  async calm(): Promise<void> {
    this.heal()
    this.#fabric.model.reset()
    for (const node of this.#nodes) {
      this.slow(node, 0)
      this.skew(node, 0)
    }
    await Promise.all(this.#nodes.filter(({ status }) => status === 'crashed').map((node) => this.restart(node)))
  }

  #of(node: SimNode<S>): WorldNode<S> {
    const found = this.#nodes[node.index]
    if (found === undefined) throw new RangeError(`Node ${node.index} is none of this simulation`)
    return found
  }

  /** One node before it, so that the graph is connected, and others at random. */
  #choosePeers(nodes: readonly WorldNode<S>[], own: number, degree: number): WorldNode<S>[] {
    const chosen = new Set<number>()
    if (own > 0) chosen.add(this.#random.below(own))
    const most = Math.min(degree, nodes.length - 1)
    for (let tries = 0; chosen.size < most && tries < 20 * degree; tries++) {
      const other = this.#random.below(nodes.length)
      if (other !== own) chosen.add(other)
    }
    return [...chosen].flatMap((at) => nodes[at] ?? [])
  }

  async #connectPatiently(from: WorldNode<S>, to: WorldNode<S>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await from.dial(to)
        return
      } catch (err) {
        if (tries === DIAL_TRIES) throw err
        await this.#clock.sleep(this.#random.next() * SPREAD_MS * tries)
      }
    }
  }
}

import type { Load } from './sides/broadcast-host.ts'
import { peerScript } from './peers/install.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { Side } from './side.ts'

/** Who broadcasts: a script whose nodes are driven by `sides/broadcast-host.ts`. */
export interface Contender {
  name: string
  script: () => URL
  args?: readonly string[]
}

const side = (file: string): URL => new URL(`sides/${file}`, import.meta.url)

/** Nodes of ours; the mode is explained in `sides/broadcast.ts`. */
export function ours(name: string, ...args: string[]): Contender {
  return { name, script: () => side('broadcast.ts'), args }
}
/** With its default, StrictSign. */
export const GOSSIPSUB: Contender = { name: '@libp2p/gossipsub', script: () => side('gossipsub.ts') }
/** As `GOSSIPSUB`, the last one for libp2p 2. */
export const GOSSIPSUB_14: Contender = {
  name: '@chainsafe/libp2p-gossipsub 14',
  script: () => peerScript('gossipsub-14', 'side.mjs'),
}
export const FAN_OUT: Contender = { name: 'bare fan-out over @libp2p/noise', script: () => side('fan-out.ts') }

/** What one message came to. Delays are from the call that publishes to the handler, in ms. */
export interface Outcome {
  delaysMs: number[]
  /** Time until the publisher had nothing more to do, in ms. */
  ownMs: number
}

/** What a load came to. */
export interface LoadOutcome {
  sent: number
  delaysMs: number[]
}

/** Processes over which the nodes are spread, beside that of a publisher alone. */
const PROCESSES = 4
const DEADLINE_MS = 10_000
/** Time in which nodes that slept catch up with their timers, in ms. */
const SETTLE_MS = 300
/** Below it gossip looks for more peers of its mesh, with its defaults. */
const MIN_MESH = 4

/** The nodes of one contender, spread over processes of their own. */
export class BroadcastNetwork {
  readonly #sides: readonly Side[]
  readonly #counts: readonly number[]

  private constructor(sides: readonly Side[], counts: readonly number[]) {
    this.#sides = sides
    this.#counts = counts
  }

  /** One publisher, node 0, in a process of its own, and `peers` that are connected to it alone. */
  static async star(contender: Contender, peers: number): Promise<BroadcastNetwork> {
    return BroadcastNetwork.#start(contender, [1, ...spread(peers)], async (network) => {
      const [[publisher = ''] = [], ...others] = await network.#addresses()
      await network.#dial([[], ...others.map((nodes) => nodes.map((_, index): Link => [index, publisher]))])
      await Promise.all(network.#sides.map((each, index) => each.call('whenReaching', index === 0 ? peers : 1)))
    })
  }

  /** Nodes of which each is connected to those `offsets` before and after it, in a ring. */
  static async mesh(contender: Contender, nodes: number, offsets: readonly number[]): Promise<BroadcastNetwork> {
    return BroadcastNetwork.#start(contender, spread(nodes), async (network) => {
      const addresses = await network.#addresses()
      const links = addresses.map((): Link[] => [])
      for (let node = 0; node < nodes; node++) {
        const [from, index] = place(node)
        for (const offset of offsets) {
          const [to, other] = place((node + offset) % nodes)
          links[from]?.push([index, addresses[to]?.[other] ?? ''])
        }
      }
      await network.#dial(links)
      // The mesh of gossip settles with its heartbeats.
      await network.#all('whenReaching', MIN_MESH)
    })
  }

  static async #start(
    contender: Contender,
    counts: readonly number[],
    connect: (network: BroadcastNetwork) => Promise<void>,
  ): Promise<BroadcastNetwork> {
    const sides: Side[] = []
    const network = new BroadcastNetwork(sides, counts)
    try {
      for (const _ of counts) sides.push(await Side.start(contender.script(), contender.args))
      await connect(network)
      await network.awake(async () => {})
      return network
    } catch (err) {
      await network.stop()
      throw err
    }
  }

  /**
   * Runs `task` with the nodes awake, and has them sleep afterwards: hundreds of idle nodes have heartbeats, and those
   * of one contender are not to cost another.
   */
  async awake<T>(task: () => Promise<T>): Promise<T> {
    for (const one of this.#sides) one.thaw()
    await sleep(SETTLE_MS)
    try {
      return await task()
    } finally {
      for (const one of this.#sides) one.freeze()
    }
  }

  get nodes(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  /** Publishes one message from node 0, and waits until all others have it. */
  async publish(bytes: number): Promise<Outcome> {
    return this.#publish(0, 0, bytes)
  }

  /** As `publish`, from any node of a mesh. */
  async publishFrom(node: number, bytes: number): Promise<Outcome> {
    return this.#publish(...place(Math.floor(node)), bytes)
  }

  async #publish(from: number, index: number, bytes: number): Promise<Outcome> {
    const arrived = this.#arrived((count, at) => (at === from ? count - 1 : count))
    const ownMs = await this.#side(from).call<number>('publish', index, bytes)
    return { delaysMs: await arrived, ownMs }
  }

  /** Publishes from all nodes of the first `publishers`, in turns, and waits until all others have all of it. */
  async load(load: Omit<Load, 'publishers'>, publishers: number): Promise<LoadOutcome> {
    const each = spread(publishers)
    const sent = await Promise.all(
      this.#sides.map((one, at) => {
        const indexes = Array.from({ length: each[at] ?? 0 }, (_, index) => index)
        const share = indexes.length / publishers
        return one.call<number>('load', { ...load, publishers: indexes, perSecond: load.perSecond * share })
      }),
    )
    const total = sent.reduce((sum, count) => sum + count, 0)
    // Its own messages do not come back to a node.
    const delaysMs = await this.#arrived((count, at) => count * total - (sent[at] ?? 0))
    return { sent: total, delaysMs }
  }

  /** Processor time of all processes so far, in ms. */
  async cpuMs(): Promise<number> {
    const each = await Promise.all(this.#sides.map((one) => one.call<number>('cpuMs')))
    return each.reduce((sum, ms) => sum + ms, 0)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sides.map((one) => one.stop()))
  }

  async #arrived(expected: (count: number, side: number) => number): Promise<number[]> {
    const arrived = await Promise.all(
      this.#sides.map((one, at) => one.call<number[]>('whenArrived', expected(this.#counts[at] ?? 0, at), DEADLINE_MS)),
    )
    return arrived.flat()
  }

  #addresses(): Promise<string[][]> {
    return Promise.all(this.#sides.map((one, at) => one.call<string[]>('start', this.#counts[at])))
  }

  async #dial(links: readonly (readonly Link[])[]): Promise<void> {
    await Promise.all(this.#sides.map((one, at) => one.call('dial', links[at])))
  }

  async #all(name: string, ...args: unknown[]): Promise<void> {
    await Promise.all(this.#sides.map((one) => one.call(name, ...args)))
  }

  #side(at: number): Side {
    const one = this.#sides[at]
    if (one === undefined) throw new RangeError(`there is no process ${at}`)
    return one
  }
}

type Link = [index: number, address: string]

/** Where a node of a mesh is: its process, and its index there. */
function place(node: number): [side: number, index: number] {
  return [node % PROCESSES, Math.floor(node / PROCESSES)]
}

/** How many of `count` each process gets. */
function spread(count: number): number[] {
  return Array.from({ length: PROCESSES }, (_, at) => Math.ceil((count - at) / PROCESSES))
}

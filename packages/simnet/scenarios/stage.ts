import type { SimClock, SimNetwork, SimNode, SimulationContext } from '@gridmesh/simnet'
import type { Witness } from './accounts.ts'
import type { SimServices } from './app.ts'
import type { Calls } from './calls.ts'
import type { KindName } from './kinds.ts'
import { type Proof, prove } from './proof.ts'
import { Publisher, type PublisherInit } from './publisher.ts'
import type { Cast } from './scenario.ts'
import { isUp } from './up.ts'

type Node = SimNode<SimServices>

/** Longest time between two attempts to reach a peer, one dial, and slack: what is apart must be together after it, in ms. */
const REUNION_MS = 330_000
/** Whom a call is for may crash, or be behind a closed way: most peers are there all the same. */
const ANSWERED = 0.7
/** Not every attacker finds a place: so many do, and have attacked. */
const ATTACKED = 0.5
/** Time in which a node stops, in ms. */
const STOP_MS = 5_000
/** Time between two looks at something that is waited for, in ms. */
const LOOK_MS = 100

/** What is shared by the parts of a run. */
export interface StageInit extends PublisherInit {
  readonly cast: Cast
  readonly calls: Calls
  readonly attack: Attack
}

/** Whether attackers attack, or behave, and which of them have attacked: did to a message what they came for. */
export interface Attack {
  isOn: boolean
  readonly by: Set<number>
}

/** How much nodes talk while a scenario does something else. */
export interface ChatterInit {
  /** Time between two messages of the network, in ms. @default 1_000 */
  everyMs?: number
  /** @default 'normal' */
  kind?: KindName
  /** Size of a message, in bytes. @default 256 */
  bytes?: number
  /** Whether nodes call each other, too. @default true */
  hasCalls?: boolean
  /** Share of the calls that are answered, at least, 0 to 1. @default 0.7 */
  answered?: number
}

/** What scenarios are played on: the nodes, and the deeds and proofs that they have in common. */
export class Stage implements Witness {
  readonly cast: Cast
  readonly attack: Attack
  readonly network: SimNetwork<SimServices>
  readonly clock: SimClock
  readonly #init: StageInit
  readonly #indexes: ReadonlyMap<string, number>
  readonly #publisher: Publisher

  constructor(init: StageInit) {
    const { context, cast, attack } = init
    this.#init = init
    this.cast = cast
    this.attack = attack
    this.network = context.network
    this.clock = context.clock
    this.#publisher = new Publisher(init)
    this.#indexes = new Map(this.nodes.map((node) => [node.peerId.toString(), node.index]))
  }

  get nodes(): readonly Node[] {
    return this.#init.context.nodes
  }

  get honest(): readonly Node[] {
    return this.nodes.slice(0, this.cast.honest)
  }

  get attackers(): readonly Node[] {
    return this.nodes.slice(this.cast.honest)
  }

  /** Honest nodes that are up. */
  get present(): readonly Node[] {
    return this.honest.filter(isUp)
  }

  /** Whether nodes have all modules, and not those for gossip alone. */
  get hasAllModules(): boolean {
    return this.#init.settings(0).modules === 'all'
  }

  /** The number of the node with this peer id, or −1. */
  indexOf(peer: string): number {
    return this.#indexes.get(peer) ?? -1
  }

  honestIndexOf(peer: string): number | undefined {
    const index = this.indexOf(peer)
    return index >= 0 && index < this.cast.honest ? index : undefined
  }

  has(id: string, node: number): boolean {
    return this.#init.ledger.has(id, node)
  }

  readonly expect: SimulationContext['expect'] = (...args) => this.#init.context.expect(...args)

  /** Waits until there is no fault any more; notes the last one as a violation when there still is one in the end. */
  async until(law: string, fault: () => string | undefined, withinMs: number): Promise<boolean> {
    const endMs = this.clock.nowMs + withinMs
    for (let found = fault(); found !== undefined; found = fault()) {
      if (this.clock.nowMs >= endMs) {
        this.expect(law, false, `${found} after ${withinMs} ms`)
        return false
      }
      await this.clock.sleep(LOOK_MS)
    }
    return true
  }

  /** A number from 0 to 1. */
  random(): number {
    return this.#init.context.random()
  }

  /** One of several. @throws {RangeError} when there is none */
  pick<T>(from: readonly T[]): T {
    const chosen = from[Math.floor(this.random() * from.length)]
    if (chosen === undefined) throw new RangeError('There is nothing to pick from')
    return chosen
  }

  /** As many different ones of several, at random. */
  sample<T>(from: readonly T[], count: number): T[] {
    const rest = [...from]
    const chosen: T[] = []
    while (chosen.length < count && rest.length > 0) {
      chosen.push(...rest.splice(Math.floor(this.random() * rest.length), 1))
    }
    return chosen
  }

  /** Honest peers that a node holds ready. */
  readyPeers(node: Node): Node[] {
    return node.services.peerManager.select().flatMap(({ id }) => {
      const index = this.honestIndexOf(id.toString())
      return index === undefined ? [] : (this.nodes[index] ?? [])
    })
  }

  /** Waits until each node of some, which are honest, has enough peers among them, and none is cut off from the others. */
  async gather(law = 'gathered', withinMs = REUNION_MS, among = this.honest): Promise<boolean> {
    return this.until(law, () => this.#loneliness(among.filter(isUp)), withinMs)
  }

  #loneliness(nodes: readonly Node[]): string | undefined {
    const [first] = nodes
    if (first === undefined) return undefined
    // Among attackers that behave nobody can know how many of its peers are honest; one link is what it takes.
    const wanted = this.cast.attackers > 0 ? 1 : this.#init.settings(0).minPeers
    const enough = Math.min(wanted, nodes.length - 1)
    const all = new Set(nodes)
    const peersOf = (node: Node): Node[] => this.readyPeers(node).filter((peer) => all.has(peer))
    const lonely = nodes.find((node) => peersOf(node).length < enough)
    if (lonely !== undefined) {
      return `Node ${lonely.index} has ${peersOf(lonely).length} ready honest peers, and should have ${enough},`
    }
    const reached = new Set([first])
    for (const node of reached) for (const peer of peersOf(node)) reached.add(peer)
    const apart = nodes.filter((node) => !reached.has(node)).map(({ index }) => index)
    return apart.length === 0 ? undefined : `Nodes ${apart.join(', ')} cannot be reached from node ${first.index}`
  }

  /** Lets a node call one of its ready peers among some. Says why there was no answer, where there was none. */
  async call(from: Node, among: readonly Node[]): Promise<string | undefined> {
    const peers = this.readyPeers(from).filter((peer) => among.includes(peer))
    if (peers.length === 0) return `Node ${from.index} has nobody to call`
    return this.#init.calls.make(from, this.pick(peers), this.random() < 0.5)
  }

  /** Lets nodes talk, with each other and to all, until the returned function is called, which judges the calls. */
  chatter(init: ChatterInit = {}): () => void {
    const { everyMs = 1_000, kind = 'normal', bytes = 256, hasCalls = true, answered = ANSWERED } = init
    const over = new AbortController()
    const faults: (string | undefined)[] = []
    const talk = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const { present } = this
        if (present.length > 0) {
          this.#publisher.publish({ author: this.pick(present), kind, bytes })
          if (hasCalls) void this.call(this.pick(present), present).then((fault) => faults.push(fault))
        }
        await this.clock.sleep(everyMs)
      }
    }
    void talk()
    return () => {
      over.abort()
      const failed = faults.filter((fault) => fault !== undefined)
      const isEnough = failed.length <= (1 - answered) * faults.length
      this.expect('calls-answered', isEnough, `Of ${faults.length} calls ${failed.length} failed: ${failed.at(-1)}`)
    }
  }

  /** Ends all faults, and waits until the network is whole again. */
  async calm(): Promise<void> {
    this.attack.isOn = false
    await this.network.calm()
    await this.gather('gathered-in-calm')
    await this.until('links-agreed-in-calm', () => this.#oneSided(), REUNION_MS)
  }

  /** A peer that crashed without a word stays ready for the other side, until that side hears nothing from it. */
  #oneSided(): string | undefined {
    const holders = new Map(this.present.map((node) => [node, new Set(this.readyPeers(node))]))
    for (const [node, peers] of holders) {
      for (const peer of peers) {
        if (holders.get(peer)?.has(node) === false) return `Node ${node.index} holds node ${peer.index} ready, alone,`
      }
    }
    return undefined
  }

  /** Proves that there was something to withstand. */
  proveAttack(law: string): void {
    const { attackers } = this.cast
    const { size } = this.attack.by
    this.expect(`${law}: attacked`, size >= ATTACKED * attackers, `Of ${attackers} attackers ${size} have attacked`)
  }

  /** Proves the liveness of the network: what is published now reaches all, and its author learns it. */
  async prove(law: string, proof: Proof = {}): Promise<void> {
    await prove(this, { ledger: this.#init.ledger, publisher: this.#publisher }, law, proof)
  }

  /** Stops a node in good order, and starts it again after a while, when nothing of it may be left. */
  async restart(node: Node, downMs: number, { disk = true } = {}): Promise<void> {
    const isStopped = await this.#stop(node)
    await this.clock.sleep(downMs)
    const { timers } = node
    if (isStopped) this.expect('stopped-leaves-no-timer', timers === 0, `Node ${node.index} stopped, and has ${timers}`)
    if (!disk) this.#init.ledger.forget(node.index)
    await this.network.restart(node, { disk })
  }

  /** Says whether a node stopped. One that does not in time is ended, so that it can come back. */
  async #stop(node: Node): Promise<boolean> {
    const stopping = this.network.stop(node).then(
      () => undefined,
      (err: unknown) => `Node ${node.index} could not stop: ${String(err)}`,
    )
    const late = this.clock.sleep(STOP_MS).then(() => `Node ${node.index} has not stopped after ${STOP_MS} ms`)
    const fault = await Promise.race([stopping, late])
    this.expect('stops', fault === undefined, fault)
    if (fault !== undefined) this.network.crash(node)
    return fault === undefined
  }

  /** Lets a node crash, and come back after a while. */
  async reboot(node: Node, downMs: number, { disk = true, silent = false } = {}): Promise<void> {
    this.network.crash(node, { silent })
    await this.clock.sleep(downMs)
    if (!disk) this.#init.ledger.forget(node.index)
    if (node.status === 'crashed') await this.network.restart(node, { disk })
  }
}

import { expect, vi } from 'vitest'
import type { PoaForkChoice, Quorum } from '../src/index.ts'
import { addressesOf, codec } from './blocks.ts'
import { RULES, SimNode } from './sim-node.ts'

/** What happens to a network, all by one seed. */
export interface Scenario {
  seed: number
  /** Authorities. */
  size: number
  quorum: Quorum
  forkChoice: PoaForkChoice
  /** Nodes that hold the key of the first authority besides it, each with a record of its own. */
  twins: number
  /** Largest delay of a message, in ms. */
  maxDelayMs: number
  /** Share of messages that are lost. */
  loss: number
  /** Largest error of a clock, in ms, to either side. */
  maxSkewMs: number
  /** Time of trouble, in which nodes crash and links break, in ms. */
  troubleMs: number
  /** Authorities that stay away from the end of the trouble on. */
  dead: number
  /** How many of the nodes, the last ones, see transactions. */
  busy: number
}

const ANNOUNCE_MS = 500

type Random = () => number

/** A small generator, the same on every machine. */
function randomOf(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Some nodes on one clock, with messages that take their time, and laws that are checked at every step. */
export class Simulation {
  readonly scenario: Scenario
  readonly authorities: string[]
  readonly nodes: SimNode[]
  readonly random: Random
  readonly #final = new Map<number, string>()
  readonly #signed = new Map<string, string>()
  /** Which side of a partition each node is on. */
  #sides: number[] = []
  #isLossy = true
  /** Errors that came where nobody waits: in listeners, and in messages on their way. */
  readonly #violations: unknown[] = []
  #transactions = 0
  readonly #timers: ReturnType<typeof setInterval>[] = []

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.random = randomOf(scenario.seed)
    this.authorities = addressesOf(scenario.size)
    const keys = [...this.authorities, ...Array.from({ length: scenario.twins }, () => 'a')]
    const skew = (): number => Math.round((2 * this.random() - 1) * scenario.maxSkewMs)
    this.nodes = keys.map((address, index) => new SimNode(this, address, skew(), index))
  }

  get quorum(): Quorum {
    return this.scenario.quorum
  }

  get forkChoice(): PoaForkChoice {
    return this.scenario.forkChoice
  }

  /** Finalised heights as the nodes see them. */
  get finalHeights(): number[] {
    return this.nodes.filter(({ isUp }) => isUp).map(({ chain }) => chain.finalised().height)
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => node.start()))
    this.#timers.push(setInterval(() => this.#announce(), ANNOUNCE_MS))
    this.#timers.push(setInterval(() => this.#load(), 700))
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.nodes.map(async (node) => node.stop()))
  }

  /** Lets each node reach only those of its side. */
  split(sides: number[]): void {
    this.#sides = sides
  }

  /** Lets nodes crash and come back, and links break, at random. */
  async trouble(): Promise<void> {
    const endMs = Date.now() + this.scenario.troubleMs
    while (Date.now() < endMs) {
      const roll = this.random()
      const node = this.nodes[Math.floor(this.random() * this.nodes.length)]
      if (roll < 0.25) this.#sides = this.nodes.map(() => Math.floor(this.random() * 2))
      else if (roll < 0.4) this.#sides = []
      else if (node === undefined || roll < 0.45) this.#sides = this.#sides.toReversed()
      else if (!node.isUp) await node.start()
      else if (roll < 0.75) node.crash()
      await this.pass(Math.floor(this.random() * 3_000))
    }
  }

  /** Ends all trouble, but for those who are dead from now on. */
  async calm(): Promise<void> {
    this.#sides = []
    this.#isLossy = false
    for (const [index, node] of this.nodes.entries()) {
      if (index < this.scenario.dead) node.crash()
      else if (!node.isUp) await node.start()
    }
  }

  /** Lets time pass, and checks as it does that no chain stands still where its node runs. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= ANNOUNCE_MS) {
      await vi.advanceTimersByTimeAsync(Math.min(left, ANNOUNCE_MS))
      this.check()
      const mostMs = RULES.maxIntervalMs + this.scenario.size * RULES.fallbackMs + 2 * this.scenario.maxSkewMs + 100
      for (const { isUp, movedAtMs } of this.nodes) {
        if (isUp) expect(Date.now() - movedAtMs).toBeLessThanOrEqual(mostMs)
      }
    }
  }

  async publish(from: SimNode, kind: string, bytes: Uint8Array): Promise<void> {
    if (kind === 'block') this.#checkSignedOnce(from, bytes)
    for (const to of this.nodes) {
      if (to !== from) this.#send(from, to, async () => this.#deliver(from, to, kind, bytes))
    }
    return Promise.resolve()
  }

  /** Fails if any law was broken. */
  check(): void {
    expect(this.#violations).toEqual([])
  }

  onViolation(error: unknown): void {
    this.#violations.push(error)
  }

  /** A final block and all below it are the same on every node, for ever. */
  onFinal({ chain }: SimNode, height: number): void {
    for (let at = chain.at(height); at !== undefined && at.height > 0; at = chain.header(at.parent)) {
      const known = this.#final.get(at.height)
      if (known !== undefined && known !== at.hash) this.onViolation(new RangeError(`two final blocks at ${at.height}`))
      if (known !== undefined) break
      this.#final.set(at.height, at.hash)
    }
  }

  #checkSignedOnce({ address }: SimNode, bytes: Uint8Array): void {
    const { proposer, height, parent, hash } = codec.decode(bytes)
    if (proposer !== address || (proposer === 'a' && this.scenario.twins > 0)) return
    const place = `${proposer}/${height}/${parent}`
    if ((this.#signed.get(place) ?? hash) !== hash) this.onViolation(new RangeError(`${place} is signed twice`))
    this.#signed.set(place, hash)
  }

  #announce(): void {
    for (const from of this.nodes) {
      for (const to of this.nodes) {
        const { hash } = from.chain.head().header
        if (from === to || !from.isUp || to.chain.header(hash) !== undefined) continue
        this.#send(from, to, async () => this.#catchUp(from, to))
      }
    }
  }

  #load(): void {
    if (this.random() < 0.5) return
    const id = `${(this.#transactions += 1)}`
    for (const { chain } of this.nodes.slice(this.nodes.length - this.scenario.busy)) chain.mempool.add(id)
  }

  #isLinked(from: SimNode, to: SimNode): boolean {
    const side = (node: SimNode): number => this.#sides[this.nodes.indexOf(node)] ?? 0
    return from.isUp && to.isUp && side(from) === side(to)
  }

  #send(from: SimNode, to: SimNode, deliver: () => Promise<void>): void {
    const isLost = this.#isLossy && this.random() < this.scenario.loss
    const delayMs = 1 + Math.floor(this.random() * this.scenario.maxDelayMs)
    if (isLost || !this.#isLinked(from, to)) return
    setTimeout(() => {
      if (this.#isLinked(from, to)) deliver().catch((error: unknown) => this.onViolation(error))
    }, delayMs)
  }

  async #deliver(from: SimNode, to: SimNode, kind: string, bytes: Uint8Array): Promise<void> {
    if (kind === 'block') to.see(bytes)
    const reception = await to.engine?.receive(kind, bytes)
    expect(reception?.verdict).not.toBe('reject')
    if (reception?.unknownParent !== undefined) this.#send(to, from, async () => this.#catchUp(from, to))
  }

  async #catchUp(from: SimNode, to: SimNode): Promise<void> {
    for (const bytes of from.chain.blocksFor(to.chain)) await to.chain.importBlock(bytes)
  }
}

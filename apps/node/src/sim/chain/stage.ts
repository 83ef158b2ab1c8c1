import { audit, decodeHeader, type Entry, StateTree, toHex, type Transaction } from '@gridmesh/ledger'
import { NodeDownError, type SimNode } from '@gridmesh/simnet'
import type { Scenario, SimServices } from '@gridmesh/simnet/scenarios'
import type { ChainService } from '../../chain-network/chain-service.ts'
import type { Money } from './money.ts'
import type { Place } from './place.ts'
import type { Witness } from './witness.ts'

/** What scenarios of simnet are played on. */
export type Stage = Parameters<Scenario['play']>[0]
/** A node of the simulation. */
export type Node = SimNode<SimServices>

/** Time in which all honest nodes have to agree when nothing is wrong any more, in ms. */
const AGREEMENT_MS = 180_000
/** Every so many payments there is a meter reading, too. */
const READING_EVERY = 4
/** Share of the payments that nodes were offered, and that are in blocks in the end, whatever happened. */
const PAID_SHARE = 0.8
/** Headers read at once. */
const HEADERS = 1_000

/** What a stage of the chain stands on. */
export interface ChainStageInit {
  readonly stage: Stage
  readonly money: Money
  readonly witness: Witness
  /** Chains of the nodes that keep one, and were opened last. */
  readonly chains: ReadonlyMap<number, ChainService>
  placeOf(node: number): Place
  /** A node lost its disk. */
  forget(node: number): void
}

/** What scenarios of the chain are played on: the network below, the chains of its nodes, and what is to hold of them. */
export class ChainStage {
  readonly network: Stage
  readonly witness: Witness
  /** When each payment was taken by a mempool, by id. */
  readonly paid = new Map<string, number>()
  readonly #init: ChainStageInit
  #made = 0
  /** Payments that nodes were offered which did not go down. */
  #offered = 0

  constructor(init: ChainStageInit) {
    this.network = init.stage
    this.witness = init.witness
    this.#init = init
  }

  /** Honest nodes that are up and keep the chain. */
  get keepers(): readonly Node[] {
    return this.network.present.filter(({ index }) => this.#init.chains.has(index))
  }

  /** The chain of a node. @throws {RangeError} when it has none */
  chainOf({ index }: Node): ChainService {
    const service = this.#init.chains.get(index)
    if (service === undefined) throw new RangeError(`Node ${index} keeps no chain`)
    return service
  }

  /** What a node has beside its memory. */
  placeOf({ index }: Node): Place {
    return this.#init.placeOf(index)
  }

  /** Height of the best block of some nodes. */
  height(nodes: readonly Node[] = this.keepers): number {
    return Math.max(0, ...nodes.map((node) => this.chainOf(node).head.height))
  }

  /** Height up to which all of some nodes have final blocks. */
  finalHeight(nodes: readonly Node[] = this.keepers): number {
    return Math.min(...nodes.map((node) => this.chainOf(node).chain.finalised.height))
  }

  /** Waits until something is so high. */
  async untilHeight(law: string, reached: () => number, height: number, withinMs: number): Promise<boolean> {
    const fault = (): string | undefined => (reached() >= height ? undefined : `Height ${reached()} is not ${height}`)
    return this.network.until(law, fault, withinMs)
  }

  /** Lets one node pay, and now and then read its meter. A node that goes down meanwhile pays nothing. */
  async pay(node: Node): Promise<void> {
    const { money } = this.#init
    this.#made += 1
    if (this.#made % READING_EVERY === 0) await this.submit(node, money.reading(node.index))
    const payment = money.payment()
    if (payment === undefined) return
    const isTaken = await this.submit(node, payment)
    if (isTaken !== undefined) this.#offered += 1
    if (isTaken === true) this.paid.set(toHex(payment.id), this.network.clock.nowMs)
  }

  /** Two payments of the same money, each by another node. Gives their ids. */
  async payTwice(one: Node, other: Node): Promise<string[]> {
    const both = this.#init.money.contested()
    for (const [at, transaction] of both.entries()) await this.submit(at === 0 ? one : other, transaction)
    return both.map(({ id }) => toHex(id))
  }

  /** Offers a transaction at a node. Says whether it was taken, and not thrown back, where the node did not go down. */
  async submit(node: Node, { bytes }: Transaction): Promise<boolean | undefined> {
    const service = this.chainOf(node)
    try {
      return await node.run(async () => (await service.submit(bytes)).status === 'added')
    } catch (err) {
      return err instanceof NodeDownError ? undefined : false
    }
  }

  /** Pays at random nodes, until the returned function is called; that resolves when the last payment is made. */
  traffic(everyMs = 400, from: () => readonly Node[] = () => this.keepers): () => Promise<void> {
    const over = new AbortController()
    const payAll = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const nodes = from()
        if (nodes.length > 0) await this.pay(this.network.pick(nodes))
        await this.network.clock.sleep(everyMs)
      }
    }
    const paying = payAll()
    return async () => {
      over.abort()
      await paying
    }
  }

  /** Lets a node crash, the power of its disk with it. */
  crash(node: Node): void {
    this.network.network.crash(node)
    this.placeOf(node).powerCut(() => this.network.random())
  }

  /** Lets a node join, or join again, with what is on its disk or without. */
  async join(node: Node, { disk = true } = {}): Promise<void> {
    if (!disk) this.#init.forget(node.index)
    await this.network.network.restart(node, { disk })
  }

  /** Waits until all have the same head, and nothing waits that was paid. */
  async agree(law: string, withinMs = AGREEMENT_MS): Promise<boolean> {
    return this.network.until(law, () => this.#difference(), withinMs)
  }

  #difference(): string | undefined {
    const [first, ...others] = this.keepers
    if (first === undefined) return undefined
    const { hash, height } = this.chainOf(first).head
    for (const node of others) {
      const head = this.chainOf(node).head
      if (head.hash === hash) continue
      return `Node ${node.index} is at ${head.height} (${head.hash.slice(0, 8)}), node ${first.index} at ${height} (${hash.slice(0, 8)})`
    }
    return undefined
  }

  /**
   * When all is calm again: one chain on all nodes, all that was paid in it, or nearly all that was to be, new blocks
   * become final, and the supply is exact.
   */
  async prove(law: string, { isAllPaid = true, withinMs = AGREEMENT_MS } = {}): Promise<void> {
    await this.network.calm()
    await this.agree(`${law}: agreed`, withinMs)
    if (isAllPaid) await this.network.until(`${law}: paid`, () => this.#unpaid()[0], withinMs)
    await this.network.until(`${law}: enough-paid`, () => this.#tooLittle(), withinMs)
    const height = this.height() + 1
    await this.untilHeight(`${law}: final`, () => this.finalHeight(), height, withinMs)
    await this.agree(`${law}: agreed again`, withinMs)
    await this.network.until(`${law}: history`, () => this.#gap(), withinMs)
    await this.inspect(law)
  }

  #gap(): string | undefined {
    const gap = this.keepers.find((node) => this.chainOf(node).chain.history.lowest() !== undefined)
    return gap === undefined ? undefined : `Node ${gap.index} has not all blocks before the state that it took`
  }

  /** What is wrong with each payment that was taken and is not in a block of each node. */
  #unpaid(): string[] {
    return [...this.paid.keys()].flatMap((id) => {
      const nodes = this.witness.included.get(id)
      const missing = this.keepers.find(({ index }) => {
        return nodes?.has(index) !== true && !this.witness.tookState.has(index)
      })
      return missing === undefined ? [] : `Payment ${id} is in no block of node ${missing.index}`
    })
  }

  #tooLittle(): string | undefined {
    const paid = this.paid.size - this.#unpaid().length
    const isEnough = paid > 0 && paid >= PAID_SHARE * this.#offered
    return isEnough ? undefined : `Of ${this.#offered} payments ${paid} are in blocks of all nodes`
  }

  /** Looks at all that honest nodes hold: the same blocks up to what is final, each supply exact, each root that of its head. */
  async inspect(law: string): Promise<void> {
    // Of a chain that failed nothing can be read; that it did is a fault that was noted.
    const nodes = this.keepers.filter((node) => this.chainOf(node).failure === undefined)
    const final = this.finalHeight(nodes)
    let first: readonly string[] | undefined
    for (const node of nodes) {
      const hashes = await node.run(async () => this.#hashes(node, final))
      first ??= hashes
      const other = hashes.findIndex((hash, at) => hash !== first?.[at])
      const where = `Node ${node.index} has another block at ${other + 1}, of ${final} that are final`
      this.network.expect(`${law}: same-blocks`, hashes.length === final && other === -1, where)
      await node.run(async () => this.#audit(law, node))
    }
  }

  async #hashes(node: Node, height: number): Promise<string[]> {
    const { backend } = this.chainOf(node).chain
    const hashes: string[] = []
    while (hashes.length < height) {
      const headers = await backend.headers(hashes.length + 1, Math.min(HEADERS, height - hashes.length))
      if (headers.length === 0) break
      hashes.push(...headers.map((header) => toHex(decodeHeader(header).hash)))
    }
    return hashes
  }

  async #audit(law: string, node: Node): Promise<void> {
    const { chain } = this.chainOf(node)
    const { height } = chain.head
    const entries: Entry[] = []
    for await (const entry of chain.state.entries()) entries.push(entry)
    const [bytes] = await chain.backend.headers(height, 1)
    if (bytes === undefined || chain.head.height !== height) return
    const { isExact, assets } = audit(entries)
    const held = `Node ${node.index} holds ${assets.thb.held} thb and ${assets.energy.held} energy at ${height}`
    this.network.expect(`${law}: supply-exact`, isExact, held)
    const [root, stated] = [toHex(StateTree.from(entries).root), toHex(decodeHeader(bytes).stateRoot)]
    this.network.expect(`${law}: root-true`, root === stated, `Node ${node.index} has ${root}, and states ${stated}`)
  }
}

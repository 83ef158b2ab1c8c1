import { type KeyValueStore, memoryStore } from '@gridmesh/block-store'
import { memoryRecord, type PoaForkChoice, type SigningRecord } from '@gridmesh/consensus'
import type { Genesis, Transaction } from '@gridmesh/ledger'
import { vi } from 'vitest'
import { EnergyChain } from '../../src/chain/energy-chain.ts'
import { at, genesisOf, people, RULES } from './chains.ts'

const STEP_MS = 50

/** Numbers from 0 to 1 that follow from a seed: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A node: its disk and what it signed outlive it. */
export class NetNode {
  readonly who: number
  readonly store: KeyValueStore = memoryStore()
  readonly record: SigningRecord = memoryRecord()
  readonly #net: Net
  #chain: EnergyChain | undefined

  constructor(net: Net, who: number) {
    this.#net = net
    this.who = who
  }

  get chain(): EnergyChain {
    if (this.#chain === undefined) throw new RangeError(`node ${this.who} is down`)
    return this.#chain
  }

  get isUp(): boolean {
    return this.#chain !== undefined
  }

  async start(): Promise<void> {
    const { store, record, who } = this
    const net = this.#net
    const chain = await EnergyChain.open({
      store,
      record,
      genesis: net.genesis,
      consensus: { ...RULES, forkChoice: net.forkChoice },
      signer: at(people, who),
      network: { publish: async (kind, bytes) => net.publish(this, kind, bytes) },
    })
    chain.engine.addEventListener('consensus:fault', ({ detail }) => net.faults.push(detail.error))
    chain.engine.addEventListener('consensus:equivocation', ({ detail }) => net.faults.push(detail))
    chain.addEventListener('chain:reorg', () => (net.reorgs += 1))
    chain.addEventListener('chain:final', ({ detail }) => net.onFinal(detail.height, detail.hash))
    this.#chain = chain
    await chain.start()
  }

  async stop(): Promise<void> {
    const chain = this.#chain
    this.#chain = undefined
    await chain?.stop()
  }
}

/** Authorities that reach each other by a bus that delays and loses. All of it follows from a seed and fake timers. */
export class Net {
  readonly genesis: Genesis
  readonly forkChoice: PoaForkChoice
  readonly nodes: NetNode[]
  readonly faults: unknown[] = []
  readonly rejections: string[] = []
  reorgs = 0
  loss = 0.1
  /** Whether two nodes reach each other. */
  isLinked: (a: NetNode, b: NetNode) => boolean = () => true
  readonly #random: () => number
  readonly #finals = new Map<number, string>()

  constructor(size: number, seed: number, forkChoice: PoaForkChoice = 'authority') {
    this.forkChoice = forkChoice
    this.genesis = genesisOf(size)
    this.#random = randomOf(seed)
    this.nodes = Array.from({ length: size }, (_, who) => new NetNode(this, who))
  }

  /** Final heights of all nodes; what contradicts another one is a fault. */
  onFinal(height: number, hash: string): void {
    if ((this.#finals.get(height) ?? hash) !== hash) this.faults.push(`two final blocks at ${height}`)
    this.#finals.set(height, hash)
  }

  async start(): Promise<void> {
    for (const node of this.nodes) await node.start()
  }

  async run(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) await vi.advanceTimersByTimeAsync(STEP_MS)
  }

  async publish(from: NetNode, kind: string, bytes: Uint8Array): Promise<void> {
    for (const to of this.nodes) {
      if (to === from || this.#random() < this.loss) continue
      setTimeout(() => void this.#deliver(from, to, kind, bytes), 5 + this.#random() * 150)
    }
    return Promise.resolve()
  }

  /** Offers a transaction at one node, which tells the others. */
  async submit(who: number, { bytes }: Transaction): Promise<string> {
    const node = at(this.nodes, who)
    const result = await node.chain.mempool.add(bytes)
    await this.publish(node, 'transaction', bytes)
    return result.status === 'refused' ? result.code : result.status
  }

  /** Brings all nodes to what any of them knows, without any loss. */
  async settle(): Promise<void> {
    for (const from of this.nodes) {
      for (const to of this.nodes) if (from !== to) await this.#fetch(from, to, from.chain.head.hash)
    }
  }

  async #deliver(from: NetNode, to: NetNode, kind: string, bytes: Uint8Array): Promise<void> {
    if (!from.isUp || !to.isUp || !this.isLinked(from, to)) return
    if (kind === 'transaction') {
      await to.chain.mempool.add(bytes)
      return
    }
    const reception = await to.chain.engine.receive(kind, bytes).catch(() => undefined)
    if (reception?.verdict === 'reject') this.rejections.push(reception.code ?? '')
    if (reception?.unknownParent !== undefined)
      await this.#fetch(from, to, to.chain.headers.decode(to.chain.headers.ofBlock(bytes)).hash)
  }

  /** Fetches a block, and what it builds on, until there is something that is known. */
  async #fetch(from: NetNode, to: NetNode, hash: string): Promise<void> {
    const missing = [hash]
    for (let wanted = missing.at(-1); wanted !== undefined; wanted = missing.at(-1)) {
      if (!from.isUp || !to.isUp) return
      const [block] = await from.chain.backend.blocks([wanted])
      if (block === undefined || !to.isUp) return
      const outcome = await to.chain.importBlock(block).catch(() => undefined)
      if (outcome?.status === 'unknown-parent') missing.push(outcome.parent)
      else if (outcome === undefined || outcome.status === 'refused') return
      else missing.pop()
    }
  }
}

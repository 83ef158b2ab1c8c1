import type { ImportOutcome } from '@gridmesh/interfaces'
import {
  type BuildRequest,
  type BuiltBlock,
  type ConsensusChain,
  type Head,
  type HeaderFacts,
  type PoaRules,
  type PoaStanding,
  type RatedTip,
} from '../src/index.ts'
import { codec, GENESIS, openBlock, sealBlock } from './blocks.ts'

interface Held {
  header: HeaderFacts
  standing: PoaStanding
  bytes: Uint8Array
}

/** A chain in memory, with all branches that it ever saw, and the transactions that wait for it. */
export class SimChain extends EventTarget implements ConsensusChain<PoaStanding> {
  readonly mempool: SimMempool
  readonly #rules: PoaRules
  readonly #authorities: readonly string[]
  readonly #nowMs: () => number
  readonly #blocks = new Map<string, Held>()
  readonly salt: string
  #head: Held
  #finalised: HeaderFacts = GENESIS
  /** Called for each block that is imported. */
  onImport: ((header: HeaderFacts, bytes: Uint8Array) => void) | undefined

  constructor(rules: PoaRules, authorities: readonly string[], nowMs: () => number = Date.now, salt = '') {
    super()
    this.#rules = rules
    this.#authorities = authorities
    this.#nowMs = nowMs
    this.salt = salt
    this.#head = { header: { ...GENESIS }, standing: rules.begin(GENESIS), bytes: new Uint8Array() }
    this.#blocks.set(GENESIS.hash, this.#head)
    this.mempool = new SimMempool()
  }

  get size(): number {
    return this.#blocks.size
  }

  head(): Head<PoaStanding> {
    return { ...this.#head, authorities: this.#authorities }
  }

  finalised(): HeaderFacts {
    return this.#finalised
  }

  async hashAt(height: number): Promise<string | undefined> {
    return Promise.resolve(this.at(height)?.hash)
  }

  at(height: number, from = this.#head.header): HeaderFacts | undefined {
    let at: HeaderFacts | undefined = from
    while (at !== undefined && at.height > height) at = this.#blocks.get(at.parent)?.header
    return at?.height === height ? at : undefined
  }

  header(hash: string): HeaderFacts | undefined {
    return this.#blocks.get(hash)?.header
  }

  /** The blocks of the branch of `head` that `other` lacks, lowest first. */
  blocksFor(other: SimChain): Uint8Array[] {
    const missing: Uint8Array[] = []
    let at: Held | undefined = this.#head
    while (at !== undefined && !other.#blocks.has(at.header.hash)) {
      missing.unshift(at.bytes)
      at = this.#blocks.get(at.header.parent)
    }
    return missing
  }

  async build({ parent, timeMs, allowEmpty, signer }: BuildRequest<PoaStanding>): Promise<BuiltBlock | undefined> {
    const transactions = [...this.mempool.waiting].filter((id) => !id.startsWith('bad')).slice(0, 100)
    if (transactions.length === 0 && !allowEmpty) return undefined
    const { height, hash } = parent.header
    const block = { height: height + 1, parent: hash, timeMs, proposer: signer.address, salt: this.salt, transactions }
    const bytes = sealBlock(block, signer)
    return Promise.resolve({ header: codec.decode(bytes), bytes })
  }

  async importBlock(bytes: Uint8Array): Promise<ImportOutcome> {
    return Promise.resolve(this.#import(bytes))
  }

  #import(bytes: Uint8Array): ImportOutcome {
    const header = codec.decode(bytes)
    if (this.#blocks.has(header.hash)) return { status: 'known' }
    const parent = this.#blocks.get(header.parent)
    if (parent === undefined) return { status: 'unknown-parent', parent: header.parent }
    if (!codec.verify(bytes)) return { status: 'refused', code: 'invalid-signature', message: 'of the header' }
    const judgement = this.#rules.judge(
      { header, parent: parent.header, standing: parent.standing, authorities: this.#authorities },
      { nowMs: this.#nowMs() },
    )
    if (judgement.status === 'refused') return judgement
    const held = { header, standing: judgement.standing, bytes }
    this.#blocks.set(header.hash, held)
    this.onImport?.(header, bytes)
    if (this.#rules.better(this.#rated(held), this.#rated(this.#head))) this.#switch(held)
    return { status: 'imported', tip: this.#head.header }
  }

  #rated({ header, standing }: Held): RatedTip<PoaStanding> {
    const isFinalisedBranch = this.at(this.#finalised.height, header)?.hash === this.#finalised.hash
    return { ...header, standing, isFinalisedBranch }
  }

  #switch(held: Held): void {
    this.#head = held
    this.mempool.include(openBlock(held.bytes).transactions)
    const final = this.at(this.#rules.finalHeight(held.standing))
    if (final !== undefined && final.height > this.#finalised.height) this.#finalised = final
    this.dispatchEvent(new Event('chain:head'))
  }
}

/** Ids of transactions; one that begins with `bad` never applies. */
export class SimMempool extends EventTarget {
  readonly waiting = new Set<string>()

  get size(): number {
    return this.waiting.size
  }

  add(id: string): void {
    this.waiting.add(id)
    this.dispatchEvent(new Event('transaction:added'))
  }

  include(ids: readonly string[]): void {
    for (const id of ids) this.waiting.delete(id)
  }
}

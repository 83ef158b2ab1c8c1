import assert from 'node:assert/strict'
import type { AbortOptions } from '@libp2p/interface'
import type { ChainBackend, ChainTip, ImportOutcome } from '../../chain.ts'
import { type ConformanceCase, lawIn, type World } from '../case.ts'
import { hexOf, itemAt } from '../expectations.ts'
import { Patience } from '../patience.ts'
import type { ChainBackendBlock, ChainBackendHarness, ChainBackendWorld } from './harness.ts'

/** All that can be seen of a chain from outside. */
export interface Sight {
  tip: ChainTip
  finalised: ChainTip
  headers: string[]
}

/** A chain, its blocks, and the calls that a case makes, none of which is awaited for ever. */
export class ChainBackendTrial implements World {
  readonly patience: Patience
  readonly world: ChainBackendWorld
  /** The first block there is. */
  readonly base: ChainTip
  #chain: ChainBackend

  constructor(patience: Patience, world: ChainBackendWorld) {
    this.patience = patience
    this.world = world
    this.#chain = world.chain
    this.base = { ...world.chain.tip() }
  }

  get chain(): ChainBackend {
    return this.#chain
  }

  async stop(): Promise<void> {
    await this.world.stop()
  }

  async reopen(): Promise<void> {
    const opening = this.world.reopen?.()
    assert.ok(opening !== undefined, 'the harness has no reopen, and does not say `reopens: false`')
    this.#chain = await this.patience.within('reopen of the harness', opening)
  }

  main(index: number): ChainBackendBlock {
    return itemAt(this.world.main, index, 'blocks in main')
  }

  /** Blocks that the harness owes by a name. */
  branch(name: 'better' | 'outdated', atLeast: number): readonly ChainBackendBlock[] {
    const blocks = this.world[name] ?? []
    assert.ok(
      blocks.length >= atLeast,
      `the harness made ${blocks.length} blocks in ${name}, and ${atLeast} are needed`,
    )
    return blocks
  }

  async import(bytes: Uint8Array, options?: AbortOptions): Promise<ImportOutcome> {
    return this.patience.within('importBlock', this.#chain.importBlock(bytes, options))
  }

  /** Imports blocks that must be taken, the first `count` of main by default. */
  async take(blocks: readonly ChainBackendBlock[]): Promise<void> {
    for (const block of blocks) {
      const outcome = await this.import(block.bytes)
      assert.equal(outcome.status, 'imported', `block ${block.height} (${block.hash}): ${JSON.stringify(outcome)}`)
      if (outcome.status === 'imported') {
        assert.deepEqual(outcome.tip, this.#chain.tip(), 'the tip of an outcome is another one than tip()')
      }
    }
  }

  async takeMain(count: number = this.world.main.length): Promise<void> {
    this.main(count - 1)
    await this.take(this.world.main.slice(0, count))
  }

  async headers(height: number, limit: number, options?: AbortOptions): Promise<Uint8Array[]> {
    return this.patience.within('headers', this.#chain.headers(height, limit, options))
  }

  async blocks(hashes: readonly string[], options?: AbortOptions): Promise<(Uint8Array | undefined)[]> {
    return this.patience.within('blocks', this.#chain.blocks(hashes, options))
  }

  /** Fails unless `block` is the tip, and is given as header and as block. */
  async assertTip(block: ChainBackendBlock): Promise<void> {
    assert.deepEqual(this.#chain.tip(), { height: block.height, hash: block.hash })
    const [header] = await this.headers(block.height, 1)
    assert.equal(header && hexOf(header), hexOf(block.header), `headers do not give header ${block.height}`)
    await this.assertHolds(block)
  }

  async assertHolds(block: ChainBackendBlock): Promise<void> {
    const [bytes] = await this.blocks([block.hash])
    assert.equal(bytes && hexOf(bytes), hexOf(block.bytes), `blocks do not give block ${block.height} (${block.hash})`)
  }

  /** What can be seen now, to be held against what can be seen later. */
  async look(): Promise<Sight> {
    const { height } = this.#chain.tip()
    const headers = await this.headers(this.base.height, height - this.base.height + 2)
    return { tip: { ...this.#chain.tip() }, finalised: { ...this.#chain.finalised() }, headers: headers.map(hexOf) }
  }

  /** Fails where something changes what can be seen. */
  async unchanged<T>(what: string, work: () => Promise<T>): Promise<T> {
    const before = await this.look()
    const result = await work()
    assert.deepEqual(await this.look(), before, `${what} changed the chain`)
    return result
  }

  /** Fails unless an outcome is a refusal that says why. */
  assertRefused(outcome: ImportOutcome, what: string): void {
    assert.equal(outcome.status, 'refused', `${what}: ${JSON.stringify(outcome)}`)
    if (outcome.status !== 'refused') return
    assert.match(outcome.code, /^\S+$/, `${what}: a refusal has a code of one word`)
    assert.notEqual(outcome.message, '', `${what}: a refusal says why`)
  }
}

/** Makes the cases of one harness. */
export class ChainBackendBench {
  readonly harness: ChainBackendHarness
  readonly #patience: Patience

  constructor(harness: ChainBackendHarness) {
    this.harness = harness
    this.#patience = new Patience(harness.patienceMs)
  }

  /** A case with a chain of its own. */
  law(name: string, check: (trial: ChainBackendTrial) => Promise<void>): ConformanceCase {
    const create = async (): Promise<ChainBackendTrial> =>
      new ChainBackendTrial(this.#patience, await this.harness.create())
    return lawIn(this.#patience, create, name, check)
  }
}

import type { ChainBackend, ChainTip, ImportOutcome } from '@gridmesh/interfaces'
import { type LedgerSigner, toHex, verifySignature } from '@gridmesh/ledger'
import type { AbortOptions } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { type Block, encodeBlock, makeBlock } from './block.ts'
import {
  DEFAULT_MAX_CLOCK_AHEAD_MS,
  DEFAULT_MAX_QUEUED,
  DEFAULT_MAX_QUEUED_BYTES,
  DEFAULT_MAX_SIDE_BLOCKS,
  DEFAULT_MAX_SIDE_BYTES,
  MAX_HEADERS,
} from './constants.ts'
import { checkWhole, type Genesis, producerOf, slotAt } from './genesis.ts'
import { Importer } from './importer.ts'
import type { KeyValueChainComponents, KeyValueChainEvents, KeyValueChainInit, KeyValueChainStats } from './index.ts'
import { MainChain } from './main-chain.ts'
import { type Moved, Mover } from './mover.ts'
import { PoolPort } from './pool-port.ts'
import { pooled, type PooledTransaction } from './pool-transaction.ts'
import { KeyValueReader } from './reader.ts'
import { SideBlocks } from './side-blocks.ts'
import { nonceIn, nonceKey, stateName, userKeyOf, valueKey } from './state.ts'
import type { ChainStore } from './store.ts'
import type { Transaction } from './transaction.ts'
import { Turns } from './turns.ts'

const HASH = /^[0-9a-f]{64}$/

/** A chain of keys and values over a store, without a network. It does one thing after the other. */
export class KeyValueChain extends TypedEventEmitter<KeyValueChainEvents> implements ChainBackend {
  readonly genesis: Genesis
  /** For `BlockSync` and `BlockServer`. */
  readonly reader: KeyValueReader
  /** For a `Mempool`. */
  readonly pool: PoolPort
  readonly #store: ChainStore
  readonly #main: MainChain
  readonly #sides: SideBlocks
  readonly #turns: Turns
  readonly #importer: Importer
  #tip: ChainTip
  #finalised: ChainTip

  private constructor(
    main: MainChain,
    finalised: ChainTip,
    { store, genesis, verify = verifySignature }: KeyValueChainComponents,
    init: KeyValueChainInit,
  ) {
    super()
    const { maxSideBlocks = DEFAULT_MAX_SIDE_BLOCKS, maxSideBytes = DEFAULT_MAX_SIDE_BYTES } = init
    const { maxQueued = DEFAULT_MAX_QUEUED, maxQueuedBytes = DEFAULT_MAX_QUEUED_BYTES } = init
    const { maxClockAheadMs = DEFAULT_MAX_CLOCK_AHEAD_MS } = init
    const limits = { maxSideBlocks, maxSideBytes, maxQueued, maxQueuedBytes, maxClockAheadMs }
    for (const [name, value] of Object.entries(limits)) {
      checkWhole(name, value, name.startsWith('maxQueued') ? 1 : 0, Number.MAX_SAFE_INTEGER)
    }
    this.genesis = genesis
    this.#store = store
    this.#main = main
    this.#tip = tipOf(main.tip)
    this.#finalised = finalised
    this.#turns = new Turns({ maxQueued, maxQueuedBytes })
    this.#sides = new SideBlocks({ maxSideBlocks, maxSideBytes })
    this.reader = new KeyValueReader(genesis, verify)
    this.pool = new PoolPort({ chainId: genesis.chainId, main, turns: this.#turns, verify })
    const [mover, sides] = [new Mover(main), this.#sides]
    const onMoved = (moved: Moved): void => this.#moved(moved)
    this.#importer = new Importer({ genesis, main, mover, sides, verify, maxClockAheadMs, onMoved })
  }

  /**
   * Opens a chain in a store, and writes its first block into an empty one. The store stays yours: close the chain first.
   *
   * @throws {RangeError} when an option makes no sense
   * @throws {WrongGenesisError} when the store holds another chain
   * @throws what the store throws
   */
  static async open(components: KeyValueChainComponents, init: KeyValueChainInit = {}): Promise<KeyValueChain> {
    const main = await MainChain.open(components.store, components.genesis)
    const finalised = await main.header(main.finalised)
    return new KeyValueChain(main, tipOf(finalised ?? components.genesis.header), components, init)
  }

  /** The best block there is. */
  tip(): ChainTip {
    return this.#tip
  }

  /** The newest block with `finalDepth` blocks above it. */
  finalised(): ChainTip {
    return this.#finalised
  }

  /** At most 1_000 headers, whatever `limit` is. @throws {QueueFullError} @throws {ChainClosedError} */
  async headers(height: number, limit: number, { signal }: AbortOptions = {}): Promise<Uint8Array[]> {
    return this.#turns.run(async () => this.#main.headers(height, Math.min(limit, MAX_HEADERS)), signal)
  }

  /** Of blocks beside the chain only those that were in it once. @throws {QueueFullError} @throws {ChainClosedError} */
  async blocks(hashes: readonly string[], { signal }: AbortOptions = {}): Promise<(Uint8Array | undefined)[]> {
    return this.#turns.run(async () => {
      const blocks: (Uint8Array | undefined)[] = []
      for (const hash of hashes) {
        signal?.throwIfAborted()
        blocks.push(await this.#block(hash))
      }
      return blocks
    }, signal)
  }

  /**
   * Judges a block and, where it is good, puts it in its place. A refusal is of the block, an error says nothing of it.
   *
   * @throws {SideBlocksFullError} @throws {QueueFullError} @throws {ChainClosedError} @throws {ChainFailedError}
   */
  async importBlock(block: Uint8Array, { signal }: AbortOptions = {}): Promise<ImportOutcome> {
    return this.#turns.runBlock(block.byteLength, async () => this.#importer.import(block), signal)
  }

  /**
   * Makes a block of this moment upon the tip, as bytes to be imported and passed on. `undefined` where it is not the
   * signer's turn, the slot has a block, or a transaction does not apply: none is left out silently.
   *
   * @throws {RangeError} when they are too much for a block @throws {QueueFullError} @throws {ChainClosedError}
   */
  async propose(transactions: readonly Transaction[], signer: LedgerSigner): Promise<Uint8Array | undefined> {
    return this.#turns.run(async () => {
      const { genesis } = this
      const slot = slotAt(genesis, Date.now())
      const parent = this.#main.tip
      const turn = producerOf(genesis, Math.max(slot, 0))
      if (slot <= parent.slot || Buffer.compare(turn ?? new Uint8Array(), signer.publicKey) !== 0) return undefined
      if ((await this.#main.check(transactions)) !== undefined) return undefined
      return encodeBlock(makeBlock({ genesis, parent, slot, transactions, signer }))
    })
  }

  /** The value under a key. @throws {QueueFullError} @throws {ChainClosedError} */
  async get(key: Uint8Array, { signal }: AbortOptions = {}): Promise<Uint8Array | undefined> {
    const stateKey = valueKey(key)
    const entries = await this.#turns.run(async () => this.#main.entries([stateKey]), signal)
    return entries.get(stateName(stateKey))
  }

  /** The nonce that the next transaction of a sender has to have. @throws {QueueFullError} @throws {ChainClosedError} */
  async nextNonce(sender: Uint8Array, { signal }: AbortOptions = {}): Promise<number> {
    const key = nonceKey(sender)
    const entries = await this.#turns.run(async () => this.#main.entries([key]), signal)
    return nonceIn(entries.get(stateName(key)))
  }

  /** All keys and values in the order of the keys; while branches are switched, of a block between. */
  async *entries({ signal }: AbortOptions = {}): AsyncGenerator<[key: Uint8Array, value: Uint8Array]> {
    for await (const [key, value] of this.#store.entries(signal === undefined ? {} : { signal })) {
      const userKey = userKeyOf(key)
      if (userKey === undefined) return
      yield [userKey, value]
    }
  }

  /** What is held beside the blocks. */
  stats(): KeyValueChainStats {
    return {
      sideBlocks: this.#sides.size,
      sideBytes: this.#sides.bytes,
      queued: this.#turns.size,
      queuedBytes: this.#turns.bytes,
    }
  }

  /** Finishes what is under way and refuses the rest. Again is the same. */
  async close(): Promise<void> {
    return this.#turns.close()
  }

  async #block(hash: string): Promise<Uint8Array | undefined> {
    const side = this.#sides.get(hash)
    // What was never applied may be invalid, and we would be blamed for it.
    if (side !== undefined) return side.wasApplied ? side.bytes : undefined
    return HASH.test(hash) ? this.#main.block(Buffer.from(hash, 'hex')) : undefined
  }

  #moved({ reverted, applied, final }: Moved): void {
    this.#tip = tipOf(this.#main.tip)
    if (final !== undefined) this.#finalised = tipOf(final)
    const detail = { tip: this.#tip, reverted: transactionsOf(reverted), applied: transactionsOf(applied) }
    this.safeDispatchEvent('chain:moved', { detail })
  }
}

function transactionsOf(blocks: readonly Block[]): PooledTransaction[] {
  return blocks.flatMap(({ transactions }) => transactions.map(pooled))
}

function tipOf({ height, hash }: { height: number; hash: Uint8Array }): ChainTip {
  return { height, hash: toHex(hash) }
}

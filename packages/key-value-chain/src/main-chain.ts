import { toHex } from '@gridmesh/ledger'
import { type Block, decodeBlock, encodeBlock } from './block.ts'
import type { Refusal } from './check.ts'
import { WrongGenesisError } from './errors.ts'
import type { Genesis } from './genesis.ts'
import { decodeHeader, type Header, HEADER_BYTES } from './header.ts'
import { execute, keysOf, type StateEntries, stateName } from './state.ts'
import type { ChainStore, StoredBlock } from './store.ts'
import type { Transaction } from './transaction.ts'

/** The chain that is followed, in its store: blocks go upon its tip and come off it. */
export class MainChain {
  readonly #store: ChainStore
  readonly #genesis: Genesis
  #tip: Header

  private constructor(store: ChainStore, genesis: Genesis, tip: Header) {
    this.#store = store
    this.#genesis = genesis
    this.#tip = tip
  }

  /** Writes genesis into an empty store. @throws {WrongGenesisError} @throws what the store throws */
  static async open(store: ChainStore, genesis: Genesis): Promise<MainChain> {
    if (store.tip === undefined) {
      await store.append(storedOf({ header: genesis.header, transactions: [] }), [])
      await store.finalise(0)
    }
    const first = await store.header(0)
    const tip = await store.header(store.tip?.height ?? 0)
    const [expected, received] = [toHex(genesis.header.hash), toHex(first?.hash ?? new Uint8Array())]
    if (tip === undefined || expected !== received) throw new WrongGenesisError(expected, received)
    return new MainChain(store, genesis, decodeHeader(tip.header))
  }

  /** As of the last block that was applied or reverted. */
  get tip(): Header {
    return this.#tip
  }

  get finalised(): number {
    return this.#store.finalised ?? 0
  }

  async header(at: number | Uint8Array): Promise<Header | undefined> {
    const stored = await this.#store.header(at)
    return stored === undefined ? undefined : decodeHeader(stored.header)
  }

  async headers(from: number, limit: number): Promise<Uint8Array[]> {
    return (await this.#store.headers(from, limit)).map(({ header }) => header)
  }

  async block(hash: Uint8Array): Promise<Uint8Array | undefined> {
    const [header, body] = [await this.#store.header(hash), await this.#store.body(hash)]
    return header === undefined || body === undefined ? undefined : Buffer.concat([header.header, body])
  }

  /** The entries under some keys that are there. */
  async entries(keys: readonly Uint8Array[]): Promise<StateEntries> {
    const values = await this.#store.getMany(keys)
    const entries = new Map<string, Uint8Array>()
    for (const [index, key] of keys.entries()) {
      const value = values[index]
      if (value !== undefined) entries.set(stateName(key), value)
    }
    return entries
  }

  /** Says why transactions cannot be applied to the state of the tip, if they cannot. */
  async check(transactions: readonly Transaction[]): Promise<Refusal | undefined> {
    const execution = execute(transactions, await this.entries(keysOf(transactions)))
    return execution.status === 'refused' ? execution : undefined
  }

  /** Puts a block upon the tip, or says why its transactions do not apply, which changes nothing. */
  async apply(block: Block): Promise<Refusal | undefined> {
    const execution = execute(block.transactions, await this.entries(keysOf(block.transactions)))
    if (execution.status === 'refused') return execution
    await this.#store.append(storedOf(block), execution.changes)
    this.#tip = decodeHeader(Uint8Array.from(block.header.bytes))
    return undefined
  }

  /** Takes the tip off. */
  async revert(): Promise<Block> {
    const { header, body } = await this.#store.revert()
    const block = decodeBlock(Buffer.concat([header, body]))
    const before = await this.header(block.header.height - 1)
    if (before !== undefined) this.#tip = before
    return block
  }

  /** Makes final what is deep enough, and gives the newest such block, where that is another one. */
  async finalise(): Promise<Header | undefined> {
    const height = this.#tip.height - this.#genesis.finalDepth
    if (height <= this.finalised) return undefined
    await this.#store.finalise(height)
    return this.header(height)
  }
}

function storedOf(block: Block): StoredBlock {
  const { height, hash, parent, bytes } = block.header
  const body = encodeBlock(block).subarray(HEADER_BYTES)
  return { height, hash, parent, header: bytes, body, transactions: block.transactions.map(({ id }) => id) }
}

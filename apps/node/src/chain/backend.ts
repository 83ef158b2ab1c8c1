import type { BlockStore } from '@gridmesh/block-store'
import type { ChainBackend, ChainTip, ImportOutcome } from '@gridmesh/interfaces'
import type { AbortOptions } from '@libp2p/interface'
import { headerIn } from './block-record.ts'
import { SideBlocksFullError } from './errors.ts'
import type { Gate } from './gate.ts'
import type { MainChain } from './main-chain.ts'
import type { Mover } from './mover.ts'
import type { SideBlocks } from './side-blocks.ts'

/** What the backend is made of. */
export interface BackendParts {
  store: BlockStore
  main: MainChain
  gate: Gate
  mover: Mover
  sides: SideBlocks
  importBlock: (block: Uint8Array, options: AbortOptions) => Promise<ImportOutcome>
}

/** The chain, as sync meets it. What it reads waits while branches are switched, or it would be of none. */
export class EnergyBackend implements ChainBackend {
  readonly #parts: BackendParts

  constructor(parts: BackendParts) {
    this.#parts = parts
  }

  tip(): ChainTip {
    const { height, hash } = this.#parts.mover.head.facts
    return { height, hash }
  }

  finalised(): ChainTip {
    return this.#parts.main.finalised
  }

  /** @throws {RangeError} when the limit is over the `maxHeaders` of the store */
  async headers(height: number, limit: number, { signal }: AbortOptions = {}): Promise<Uint8Array[]> {
    signal?.throwIfAborted()
    const { gate, store } = this.#parts
    const headers = await gate.read(async () => store.headers(height, limit))
    signal?.throwIfAborted()
    return headers.map(({ height: at, header }) => headerIn(at, header))
  }

  async blocks(hashes: readonly string[], { signal }: AbortOptions = {}): Promise<(Uint8Array | undefined)[]> {
    const blocks: (Uint8Array | undefined)[] = []
    for (const hash of hashes) {
      signal?.throwIfAborted()
      blocks.push(await this.#parts.gate.read(async () => this.#block(hash)))
    }
    return blocks
  }

  /** That there is no room beside the main chain is of the branch that a peer gives: a sync goes on with those of others. */
  async importBlock(block: Uint8Array, options: AbortOptions = {}): Promise<ImportOutcome> {
    try {
      return await this.#parts.importBlock(block, options)
    } catch (err) {
      if (!(err instanceof SideBlocksFullError)) throw err
      return { status: 'refused', code: err.code, message: err.message }
    }
  }

  async #block(hash: string): Promise<Uint8Array | undefined> {
    const { sides, store } = this.#parts
    const side = sides.get(hash)
    // What was never executed may be invalid, and we would be blamed for it.
    if (side !== undefined) return side.isExecuted ? side.full.bytes : undefined
    if (!/^[0-9a-f]{64}$/.test(hash)) return undefined
    const bytes = Buffer.from(hash, 'hex')
    const [header, body] = [await store.header(bytes), await store.body(bytes)]
    if (header === undefined || body === undefined) return undefined
    return Buffer.concat([headerIn(header.height, header.header), body])
  }
}

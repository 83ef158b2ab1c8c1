import type { BlockStore } from '@gridmesh/block-store'
import type { CallOptions, HeaderFacts, HistoryTarget } from '@gridmesh/block-sync'
import { chainIdOf, decodeBlock, decodeHeader, type Registry, toHex, txRoot } from '@gridmesh/ledger'
import { headerIn } from '../block-record.ts'
import { type ChainRules, factsOf } from '../chain-block.ts'
import { HistoryBlockError } from '../errors.ts'
import { storedBlock } from '../stored-block.ts'

/** What the blocks before a checkpoint are taken with. */
export interface BlockHistoryParts {
  store: BlockStore
  rules: ChainRules
  registry: Registry
  chainId: Uint8Array
  /** What `lowest` gives at first. */
  lowest: HeaderFacts | undefined
  /** Does one thing after the other, imports of blocks among them. */
  inTurn: (bytes: number, task: () => Promise<void>, signal: AbortSignal) => Promise<void>
}

/**
 * The blocks before a checkpoint, taken back to genesis. Each is the parent of one that is held, by its hash, and so need
 * not be executed; that the last one is the genesis of this chain is what proves the checkpoint to be of it.
 */
export class BlockHistory implements HistoryTarget {
  readonly #parts: BlockHistoryParts
  #lowest: HeaderFacts | undefined

  constructor(parts: BlockHistoryParts) {
    this.#parts = parts
    this.#lowest = parts.lowest
  }

  lowest(): HeaderFacts | undefined {
    return this.#lowest
  }

  /** The chain went to a checkpoint, which is the lowest block now. */
  restart(block: HeaderFacts): void {
    this.#lowest = block
  }

  /**
   * @throws {HistoryBlockError} when it is of another chain, or its body is not that of its header
   * @throws {UnlinkedBlockError} when it is not the parent of the lowest block
   */
  async prepend(bytes: Uint8Array, { signal }: CallOptions): Promise<void> {
    const { registry, rules, chainId, store, inTurn } = this.#parts
    const block = decodeBlock(bytes, registry)
    const { header, transactions } = block
    if (toHex(chainIdOf(header)) !== toHex(chainId))
      throw new HistoryBlockError(header.height, 'it is of another chain')
    if (toHex(txRoot(transactions.map(({ id }) => id))) !== toHex(header.txRoot)) {
      throw new HistoryBlockError(header.height, 'its body is not that of its header')
    }
    const facts = factsOf(header)
    // Nothing builds on it any more, so nobody asks what it stands for.
    const place = { standing: rules.begin(facts), changedAt: 0 }
    await inTurn(
      bytes.byteLength,
      async () => {
        await store.prepend(storedBlock({ block, bytes }, place), { signal })
        this.#lowest = facts.height === 0 ? undefined : facts
      },
      signal,
    )
  }
}

/** The lowest block of a store, where it is not genesis. */
export async function lowestOf(store: BlockStore): Promise<HeaderFacts | undefined> {
  const { base = 0 } = store.stats()
  const stored = base === 0 ? undefined : await store.header(base)
  return stored === undefined ? undefined : factsOf(decodeHeader(headerIn(base, stored.header)))
}

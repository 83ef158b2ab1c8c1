import type { BlockStore } from '@gridmesh/block-store'
import type { CallOptions, HeaderFacts, HistoryTarget } from '@gridmesh/block-sync'
import {
  type Block,
  chainIdOf,
  decodeBlock,
  decodeHeader,
  headerSignatureOf,
  type Registry,
  toHex,
  txRoot,
  verifySignature,
} from '@gridmesh/ledger'
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
 * The blocks before a checkpoint, taken back to genesis. Each is the parent of one that is held, by its hash, is signed by
 * who made it, and the last one is the genesis of this chain. None is executed, so that they prove nothing of the
 * checkpoint: whether its makers were authorities would take the authorities from genesis on, block by block.
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
   * @throws {HistoryBlockError} when it is of another chain, its body is not that of its header, or its maker did not sign it
   * @throws {UnlinkedBlockError} when it is not the parent of the lowest block
   */
  async prepend(bytes: Uint8Array, { signal }: CallOptions): Promise<void> {
    const { registry, rules, store, inTurn } = this.#parts
    const block = decodeBlock(bytes, registry)
    const { header } = block
    const fault = this.#faultOf(block)
    if (fault !== undefined) throw new HistoryBlockError(header.height, fault)
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

  #faultOf({ header, transactions }: Block): string | undefined {
    const chainId = toHex(this.#parts.chainId)
    if (toHex(chainIdOf(header)) !== chainId) return 'it is of another chain'
    if ((header.height === 0) !== (toHex(header.hash) === chainId))
      return 'genesis is the first block, and no other one is'
    if (toHex(txRoot(transactions.map(({ id }) => id))) !== toHex(header.txRoot))
      return 'its body is not that of its header'
    const isSigned = header.height === 0 || verifySignature(headerSignatureOf(header))
    return isSigned ? undefined : `the signature of ${toHex(header.proposer)} does not hold`
  }
}

/** The lowest block of a store, where it is not genesis. */
export async function lowestOf(store: BlockStore): Promise<HeaderFacts | undefined> {
  const { base = 0 } = store.stats()
  const stored = base === 0 ? undefined : await store.header(base)
  return stored === undefined ? undefined : factsOf(decodeHeader(headerIn(base, stored.header)))
}

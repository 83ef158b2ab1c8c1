import type { Mempool } from '@gridmesh/mempool'
import type { ChainTip } from '@gridmesh/interfaces'
import type { Block, Registry } from '@gridmesh/ledger'
import type { BlockFault, ChainBlock, FullBlock } from './chain-block.ts'
import { ChainFailedError } from './errors.ts'
import type { ChainReorg } from './events.ts'
import type { Gate } from './gate.ts'
import type { Executed, MainChain } from './main-chain.ts'
import { type LedgerPoolTransaction, poolTransaction } from './pool-transaction.ts'
import type { SideBlock } from './side-blocks.ts'
import { dropPastGridStates } from './waiting-grid-states.ts'

/** What became of a step. */
export interface Moved {
  /** Blocks that came, ascending. */
  blocks: Block[]
  reorg?: ChainReorg
  head: ChainBlock
  final?: ChainTip
}

/** What moves the chain works with. */
export interface MoverParts {
  main: MainChain
  gate: Gate
  pool: Mempool<LedgerPoolTransaction>
  registry: Registry
  /** Tells of a step, while nothing else can be read. */
  onMoved: (moved: Moved) => void
  onFailed: (error: ChainFailedError) => void
}

/** A switch that came to nothing: the block of the branch that is not valid. */
export interface Culprit {
  side: SideBlock
  fault: BlockFault
}

/** Moves the head: state, store, mempool and what is told of it, in one step that nobody sees half of. */
export class Mover {
  readonly #parts: MoverParts
  #head: ChainBlock
  #failure: ChainFailedError | undefined

  constructor(parts: MoverParts) {
    this.#parts = parts
    this.#head = parts.main.tip
  }

  /** The best block there is, as everybody else knows it. */
  get head(): ChainBlock {
    return this.#head
  }

  /** Nothing is to be moved after a failure. @throws {ChainFailedError} */
  assertWhole(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /**
   * Executes a block upon the head while `signed` is asked of its signatures, and puts it there if it is found valid;
   * otherwise it says why it is not. @throws {ChainFailedError} @throws what `signed` rejects with
   */
  async extend(full: FullBlock, signed: Promise<BlockFault | undefined>): Promise<BlockFault | undefined> {
    const { main } = this.#parts
    const [tried, checked] = await Promise.allSettled([this.#guarded(() => this.#try(full)), signed])
    if (checked.status === 'rejected') throw checked.reason
    if (tried.status === 'rejected') throw tried.reason
    if (checked.value !== undefined) return checked.value
    const { executed, applied } = tried.value
    if (!('step' in executed)) return executed
    await this.#move(async () => {
      await main.append(executed, true)
      await this.#settle([], [{ block: full.block, applied }])
    })
    return undefined
  }

  /** Executes a block, and works out what the mempool is told of it: there is time while its signatures are checked. */
  async #try(full: FullBlock): Promise<{ executed: Executed | BlockFault; applied: LedgerPoolTransaction[] }> {
    const executed = await this.#parts.main.execute(full)
    return { executed, applied: 'step' in executed ? this.#pooled(full.block) : [] }
  }

  /**
   * Leaves the branch of the head, from `ancestor` on all of `old`, for another one. Where a block of that is not valid, it
   * returns to the old one, and nobody has seen anything. @throws {ChainFailedError}
   */
  async switchTo(
    ancestor: ChainTip,
    old: readonly SideBlock[],
    branch: readonly SideBlock[],
  ): Promise<Culprit | undefined> {
    return this.#move(async () => {
      await this.#revert(old.length)
      for (const [applied, side] of branch.entries()) {
        const fault = await this.#parts.main.apply(side.full)
        if (fault === undefined) continue
        await this.#revert(applied)
        await this.#return(old)
        return { side, fault }
      }
      const tips = (blocks: readonly SideBlock[]): ChainTip[] => blocks.map(tipOf)
      await this.#settle(
        old.map(({ full }) => full.block),
        branch.map(({ full: { block } }) => ({ block, applied: this.#pooled(block) })),
        { from: tipOf(this.#head), ancestor, reverted: tips(old), applied: tips(branch) },
      )
      return undefined
    })
  }

  /**
   * Goes to another state altogether, that after a final block. What waits in the mempool is offered to it anew, and with
   * it what is in blocks that were not final, `old`: they are gone with the state that they made.
   * @throws {ChainFailedError}
   */
  async restart(old: readonly FullBlock[], work: () => Promise<void>): Promise<void> {
    await this.#move(async () => {
      const { main, pool, onMoved } = this.#parts
      const reverted = old.flatMap(({ block }) => this.#pooled(block))
      await work()
      this.#head = main.tip
      pool.onRevert(reverted)
      // Its checks wait for the end of this move.
      pool.renew().catch(() => undefined)
      onMoved({ blocks: [], head: this.#head, final: main.finalised })
    })
  }

  async #revert(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.#parts.main.revert()
  }

  async #return(old: readonly SideBlock[]): Promise<void> {
    for (const { full } of old) {
      const fault = await this.#parts.main.apply(full)
      // It was valid before on the same state: the program or its memory is at fault.
      if (fault !== undefined) throw new RangeError(`a block that was valid no longer is: ${fault.message}`)
    }
  }

  /** The mempool is told at once of all, so that it never knows a state that nobody else saw. */
  async #settle(
    reverted: readonly Block[],
    added: readonly { block: Block; applied: LedgerPoolTransaction[] }[],
    reorg?: Omit<ChainReorg, 'to'>,
  ): Promise<void> {
    const { main, pool, onMoved } = this.#parts
    const final = await main.finalise()
    this.#head = main.tip
    pool.onSwitch(
      reverted.flatMap((block) => this.#pooled(block)),
      added.flatMap(({ applied }) => applied),
    )
    dropPastGridStates(pool, this.#head.header.gridSequence)
    onMoved({
      blocks: added.map(({ block }) => block),
      head: this.#head,
      ...(final !== undefined && { final }),
      ...(reorg !== undefined && { reorg: { ...reorg, to: tipOf(this.#head) } }),
    })
  }

  #pooled({ transactions }: Block): LedgerPoolTransaction[] {
    const { registry } = this.#parts
    return transactions.map((each) => poolTransaction(each, registry))
  }

  async #move<T>(work: () => Promise<T>): Promise<T> {
    return this.#guarded(() => this.#parts.gate.move(work))
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      this.#failure = new ChainFailedError({ cause })
      this.#parts.onFailed(this.#failure)
      throw this.#failure
    }
  }
}

function tipOf({ facts: { height, hash } }: ChainBlock): ChainTip {
  return { height, hash }
}

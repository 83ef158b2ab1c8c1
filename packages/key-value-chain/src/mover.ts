import type { Block } from './block.ts'
import type { Refusal } from './check.ts'
import { ChainFailedError } from './errors.ts'
import type { Header } from './header.ts'
import type { MainChain } from './main-chain.ts'

/** A move that was made: what was taken off, the lowest first, and what came. */
export interface Moved {
  reverted: Block[]
  applied: readonly Block[]
  /** The newest final block, where that is another one. */
  final?: Header | undefined
}

/** What came of going over to a branch. */
export type Switched = ({ culprit?: never } & Moved) | { culprit: Block; refusal: Refusal }

/** Moves the chain; after a failure of the store not any more. */
export class Mover {
  readonly #main: MainChain
  #failure: ChainFailedError | undefined

  constructor(main: MainChain) {
    this.#main = main
  }

  /** @throws {ChainFailedError} after a failure */
  assertWhole(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Puts a block upon the tip, or says why not. @throws {ChainFailedError} */
  async extend(block: Block): Promise<Refusal | undefined> {
    return this.#move(async () => this.#main.apply(block))
  }

  /** Makes final what is deep enough, and gives the newest such block, where that is another one. @throws {ChainFailedError} */
  async finalise(): Promise<Header | undefined> {
    return this.#move(async () => this.#main.finalise())
  }

  /** Leaves all above a height for a branch that stands there; where a block of it is false, all is as before. */
  async switchTo(branch: readonly Block[], ancestorHeight: number): Promise<Switched> {
    return this.#move(async () => {
      const reverted = await this.#revertTo(ancestorHeight)
      for (const block of branch) {
        const refusal = await this.#main.apply(block)
        if (refusal === undefined) continue
        await this.#revertTo(ancestorHeight)
        await this.#return(reverted)
        return { culprit: block, refusal }
      }
      return { reverted, applied: branch }
    })
  }

  async #revertTo(height: number): Promise<Block[]> {
    const reverted: Block[] = []
    while (this.#main.tip.height > height) reverted.unshift(await this.#main.revert())
    return reverted
  }

  async #return(blocks: readonly Block[]): Promise<void> {
    for (const block of blocks) {
      const refusal = await this.#main.apply(block)
      // It was valid before upon the same state: the store or the program is at fault.
      if (refusal !== undefined) throw new RangeError(`a block that was valid no longer is: ${refusal.message}`)
    }
  }

  async #move<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      this.#failure = new ChainFailedError(cause)
      throw this.#failure
    }
  }
}

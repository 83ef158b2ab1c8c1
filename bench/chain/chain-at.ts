import { EnergyChain } from '@gridmesh/node'
import { type Verifier, workerVerifier } from '@gridmesh/verifier'
import { readBlocks } from './block-file.ts'
import { genesis } from './world.ts'

/** How a chain is opened. */
export interface ChainAtInit {
  directory: string
  /** Worker threads that check signatures. */
  threads: number
  /** Blocks from one checkpoint to the next. @default none are made */
  every?: number
  /** Bytes of blocks that wait to be imported. @default as many as a benchmark hands over */
  maxQueuedBytes?: number
}

/** A chain on disk that imports what it is given, with workers of its own. */
export class ChainAt {
  readonly chain: EnergyChain
  readonly verifier: Verifier

  private constructor(chain: EnergyChain, verifier: Verifier) {
    this.chain = chain
    this.verifier = verifier
  }

  static async open({ directory, threads, every = 0, maxQueuedBytes = 2 ** 30 }: ChainAtInit): Promise<ChainAt> {
    const verifier = workerVerifier({ threads })
    const chain = await EnergyChain.open({
      directory,
      genesis,
      verify: async (claims, options) => verifier.verify(claims, options),
      checkpoints: { every },
      limits: { maxQueuedBytes },
    })
    return new ChainAt(chain, verifier)
  }

  /** Imports blocks in order, as many waiting behind the one under way as told; the time it took, in ms. */
  async import(blocks: readonly Uint8Array[], ahead: number): Promise<number> {
    const begin = performance.now()
    const underWay: Promise<void>[] = []
    for (const block of blocks) {
      underWay.push(this.#import(block))
      if (underWay.length > ahead) await underWay.shift()
    }
    await Promise.all(underWay)
    return performance.now() - begin
  }

  /** The same of all blocks of a file. */
  async importFile(path: string, ahead: number): Promise<number> {
    return this.import(await readBlocks(path), ahead)
  }

  async close(): Promise<void> {
    await this.chain.stop()
    await this.verifier.stop()
  }

  async #import(block: Uint8Array): Promise<void> {
    const outcome = await this.chain.importBlock(block)
    if (outcome.status !== 'imported') throw new TypeError(`not imported: ${JSON.stringify(outcome)}`)
  }
}

import { EnergyChain } from '@gridmesh/node'
import { type Verifier, workerVerifier } from '@gridmesh/verifier'
import { genesis } from './world.ts'

/** How a chain is opened. */
export interface ChainAtInit {
  directory: string
  /** Worker threads that check signatures. */
  threads: number
  /** Blocks from one checkpoint to the next. @default none are made */
  every?: number
}

/** A chain on disk that imports what it is given, with workers of its own. */
export class ChainAt {
  readonly chain: EnergyChain
  readonly verifier: Verifier

  private constructor(chain: EnergyChain, verifier: Verifier) {
    this.chain = chain
    this.verifier = verifier
  }

  static async open({ directory, threads, every = 0 }: ChainAtInit): Promise<ChainAt> {
    const verifier = workerVerifier({ threads })
    const chain = await EnergyChain.open({
      directory,
      genesis,
      verify: async (claims, options) => verifier.verify(claims, options),
      checkpoints: { every },
      limits: { maxQueuedBytes: 2 ** 30 },
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

  async close(): Promise<void> {
    await this.chain.stop()
    await this.verifier.stop()
  }

  async #import(block: Uint8Array): Promise<void> {
    const outcome = await this.chain.importBlock(block)
    if (outcome.status !== 'imported') throw new TypeError(`not imported: ${JSON.stringify(outcome)}`)
  }
}

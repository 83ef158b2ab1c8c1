import type { EnergyChain } from '../../chain/energy-chain.ts'
import { HttpRefusalError } from '../answers.ts'
import { MAX_WAITING, type OutputScan, type OutputVisitor, type VisitOptions } from './output-scan.ts'

/**
 * Reads the outputs of one address: by the index of the chain, at the cost of what the address holds, and by a pass over
 * the outputs of all where it has none.
 */
export class OwnedOutputs {
  readonly #outputsOf: EnergyChain['outputsOf']
  readonly #scan: OutputScan
  #reading = 0

  constructor({ outputsOf }: Pick<EnergyChain, 'outputsOf'>, scan: OutputScan) {
    this.#outputsOf = outputsOf
    this.#scan = scan
  }

  /**
   * Shows `visitor` the outputs of an address, in the order of their ids, as they are at some moment after the call.
   * @throws {HttpRefusalError} when too many are asked for, or the signal aborts a pass
   */
  async visit(owner: Uint8Array, visitor: OutputVisitor, options: Pick<VisitOptions, 'signal'> = {}): Promise<void> {
    if (this.#outputsOf === undefined) {
      const ofOwner: OutputVisitor = (id, output) => {
        if (Buffer.compare(output.owner, owner) === 0) visitor(id, output)
      }
      return this.#scan.visit(ofOwner, options)
    }
    if (this.#reading >= MAX_WAITING) {
      throw new HttpRefusalError(503, 'busy', `${MAX_WAITING} addresses are being read; ask again later`)
    }
    this.#reading += 1
    try {
      for await (const [id, output] of this.#outputsOf(owner)) visitor(id, output)
    } finally {
      this.#reading -= 1
    }
  }
}

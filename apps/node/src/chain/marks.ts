import type { BlockFault } from './chain-block.ts'

/** Blocks that are known to be invalid for good, with the reason; beyond a limit the oldest is forgotten. */
export class Marks {
  readonly #max: number
  readonly #faults = new Map<string, BlockFault>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#faults.size
  }

  get(hash: string): BlockFault | undefined {
    return this.#faults.get(hash)
  }

  add(hash: string, { code, message }: BlockFault): void {
    this.#faults.set(hash, { code, message })
    const [oldest] = this.#faults.keys()
    if (oldest !== undefined && this.#faults.size > this.#max) this.#faults.delete(oldest)
  }
}

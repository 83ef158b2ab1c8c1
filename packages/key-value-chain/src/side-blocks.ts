import { toHex } from '@gridmesh/ledger'
import { type Block, encodeBlock } from './block.ts'
import { SideBlocksFullError } from './errors.ts'

/** Bounds of what is kept beside the chain. */
export interface SideLimits {
  readonly maxSideBlocks: number
  readonly maxSideBytes: number
}

interface SideBlock {
  readonly block: Block
  readonly bytes: Uint8Array
  /** Whether it was in the chain once, and so is valid. */
  readonly wasApplied: boolean
}

/** True blocks of producers that are not in the chain, by hash, in memory. */
export class SideBlocks {
  readonly #limits: SideLimits
  readonly #blocks = new Map<string, SideBlock>()
  #bytes = 0

  constructor(limits: SideLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#blocks.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(hash: string): SideBlock | undefined {
    return this.#blocks.get(hash)
  }

  /** Keeps a block that was not in the chain. @throws {SideBlocksFullError} */
  add(block: Block): void {
    const { maxSideBlocks, maxSideBytes } = this.#limits
    if (!this.#keep(block, false)) throw new SideBlocksFullError(maxSideBlocks, maxSideBytes)
  }

  /** Keeps a block that was in the chain, where there is room; otherwise it can be fetched again. */
  giveBack(block: Block): void {
    this.#keep(block, true)
  }

  delete(hash: string): void {
    this.#bytes -= this.#blocks.get(hash)?.bytes.byteLength ?? 0
    this.#blocks.delete(hash)
  }

  /** Lets go of what can no longer come into the chain: what is as low as the final block, and what stood upon that. */
  prune(finalHeight: number): void {
    for (const [hash, { block }] of this.#blocks) {
      if (block.header.height <= finalHeight) this.condemn(hash)
    }
  }

  /** Lets go of a block that is false, and of all that stands upon it. */
  condemn(hash: string): void {
    const fallen = new Set([hash])
    this.delete(hash)
    const ascending = [...this.#blocks].toSorted(([, a], [, b]) => a.block.header.height - b.block.header.height)
    for (const [name, { block }] of ascending) {
      if (!fallen.has(toHex(block.header.parent))) continue
      fallen.add(name)
      this.delete(name)
    }
  }

  /** The blocks up to one, ascending, of which the first stands upon a block that is not here. */
  branchTo(hash: string): Block[] {
    const branch: Block[] = []
    for (let at = this.#blocks.get(hash); at !== undefined; at = this.#blocks.get(toHex(at.block.header.parent))) {
      branch.unshift(at.block)
    }
    return branch
  }

  #keep(block: Block, wasApplied: boolean): boolean {
    const bytes = encodeBlock(block)
    const { maxSideBlocks, maxSideBytes } = this.#limits
    if (this.#blocks.size >= maxSideBlocks || this.#bytes + bytes.byteLength > maxSideBytes) return false
    this.#blocks.set(toHex(block.header.hash), { block, bytes, wasApplied })
    this.#bytes += bytes.byteLength
    return true
  }
}

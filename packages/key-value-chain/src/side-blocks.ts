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

  /** Keeps a block that was not in the chain, where there is room for it and its branch. @throws {SideBlocksFullError} */
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
    const hash = toHex(block.header.hash)
    this.#blocks.set(hash, { block, bytes, wasApplied })
    this.#bytes += bytes.byteLength
    const { maxSideBlocks, maxSideBytes } = this.#limits
    while (this.#blocks.size > maxSideBlocks || this.#bytes > maxSideBytes) this.#evict()
    return this.#blocks.has(hash)
  }

  /**
   * Lets go of one end of a branch: the oldest of whoever made most ends. So a producer that signs many blocks, be it for
   * one slot, pushes out its own, and a block stays until others stand upon it if these come soon.
   */
  #evict(): void {
    const parents = new Set(Array.from(this.#blocks.values(), ({ block }) => toHex(block.header.parent)))
    const ends = [...this.#blocks].filter(([hash]) => !parents.has(hash))
    const byProducer = Map.groupBy(ends, ([, { block }]) => toHex(block.header.producer))
    const [oldest] = [...byProducer.values()].reduce((most, each) => (each.length > most.length ? each : most), [])
    if (oldest !== undefined) this.delete(oldest[0])
  }
}

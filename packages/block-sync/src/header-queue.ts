import type { ChainTip } from '@gridmesh/interfaces'
import type { BlockRange } from './block-range.ts'
import type { HeaderFacts } from './ports.ts'

/** The headers of a branch that are not imported, in ranges, each of which is fetched as one. */
export class HeaderQueue {
  readonly #make: (facts: readonly HeaderFacts[]) => BlockRange
  readonly #rangeBlocks: number
  readonly #ranges: BlockRange[] = []
  /** The newest header that was taken over, imported or not. */
  #tail: ChainTip | undefined

  constructor(rangeBlocks: number, make: (facts: readonly HeaderFacts[]) => BlockRange) {
    this.#rangeBlocks = rangeBlocks
    this.#make = make
  }

  get ranges(): readonly BlockRange[] {
    return this.#ranges
  }

  get tail(): ChainTip | undefined {
    return this.#tail
  }

  /** Headers in it. */
  get length(): number {
    return this.#ranges.reduce((sum, { length }) => sum + length, 0)
  }

  /** Places of it for a locator, descending: the newest, and the first of each range, of which only some where they are many. */
  places(max: number): ChainTip[] {
    const firsts = this.#ranges.flatMap(({ facts }) => facts[0] ?? []).toReversed()
    const every = Math.ceil(firsts.length / (max - 2))
    const some = firsts.filter((_, i) => i % every === 0 || i === firsts.length - 1)
    const all = this.#tail === undefined ? some : [this.#tail, ...some.filter(({ hash }) => hash !== this.#tail?.hash)]
    return all.map(({ height, hash }) => ({ height, hash }))
  }

  /** Takes over headers that follow `ancestor`, in the place of what was above it; gives back the ranges that go. */
  extend(ancestor: ChainTip, facts: readonly HeaderFacts[]): BlockRange[] {
    const cut = this.#tail?.hash === ancestor.hash ? [] : this.#cutAbove(ancestor.height)
    for (let at = 0; at < facts.length; at += this.#rangeBlocks) {
      this.#ranges.push(this.#make(facts.slice(at, at + this.#rangeBlocks)))
    }
    this.#tail = facts.at(-1) ?? ancestor
    return cut
  }

  /** Lets go of the next block. Says whether the one after it is there. */
  shift(): boolean {
    const [first] = this.#ranges
    first?.shift()
    if (first?.length === 0) this.#ranges.shift()
    return this.#ranges[0]?.first() !== undefined
  }

  #cutAbove(height: number): BlockRange[] {
    for (const range of this.#ranges) range.cutAbove(height)
    const from = this.#ranges.findIndex(({ length }) => length === 0)
    return from === -1 ? [] : this.#ranges.splice(from)
  }
}

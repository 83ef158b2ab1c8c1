import type { ChainBlock, FullBlock } from './chain-block.ts'

/** A block beside the main chain, whose header was judged. */
export interface SideBlock extends ChainBlock {
  readonly full: FullBlock
  /** Whether the signatures of its transactions were checked. */
  isVerified: boolean
  /** Whether it was valid on the main chain before. Any other one may turn out not to be. */
  readonly isExecuted: boolean
}

/** Bounds of what is kept beside the main chain. */
export interface SideLimits {
  readonly maxSideBlocks: number
  readonly maxSideBytes: number
}

/** Who answers for a block. */
interface Account {
  /** The authorities after the main chain's block that its branch begins upon. */
  readonly known: readonly string[]
  /** Its proposer, if that is one of these; else who answers for its parent. */
  readonly who: string
}

/** What is kept of the blocks that one authority answers for. */
interface Share {
  readonly count: number
  readonly bytes: number
}

const NOTHING: Share = { count: 0, bytes: 0 }

/** Whether a block is to be preferred to another one. */
export type Better = (a: ChainBlock, b: ChainBlock) => boolean

/** The branches that are not the main chain. Each begins upon a block of it. */
export class SideBlocks {
  readonly #limits: SideLimits
  readonly #better: Better
  readonly #blocks = new Map<string, SideBlock>()
  readonly #children = new Map<string, Set<string>>()
  readonly #accounts = new Map<string, Account>()
  readonly #shares = new Map<string, Share>()
  #bytes = 0

  constructor(limits: SideLimits, better: Better) {
    this.#limits = limits
    this.#better = better
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

  /**
   * Keeps a block, whose parent is kept or on the main chain. Beyond the limits ends of branches go, of the authority that
   * has most of what is over: the worst of them. So one that signs many blocks pushes out its own, however good they seem,
   * and a branch that others made has room. Says whether the block is kept.
   */
  add(side: SideBlock): boolean {
    const { hash, parent } = side.facts
    const account = this.#accountOf(side)
    this.#blocks.set(hash, side)
    this.#accounts.set(hash, account)
    this.#children.set(parent, (this.#children.get(parent) ?? new Set()).add(hash))
    this.#count(account.who, 1, side.full.bytes.byteLength)
    const { maxSideBlocks, maxSideBytes } = this.#limits
    while (this.size > maxSideBlocks) this.#evict(({ count }) => count)
    while (this.#bytes > maxSideBytes) this.#evict(({ bytes }) => bytes)
    return this.#blocks.has(hash)
  }

  /** Drops a block. */
  delete(hash: string): void {
    const side = this.#blocks.get(hash)
    if (side === undefined) return
    this.#count(this.#accounts.get(hash)?.who ?? '', -1, -side.full.bytes.byteLength)
    this.#blocks.delete(hash)
    this.#accounts.delete(hash)
    const siblings = this.#children.get(side.facts.parent)
    siblings?.delete(hash)
    if (siblings?.size === 0) this.#children.delete(side.facts.parent)
  }

  /** Drops all that builds on a block. Gives the hashes of what is dropped. */
  deleteAbove(hash: string): string[] {
    const dropped = [...(this.#children.get(hash) ?? [])]
    // A list that grows while it is walked: what is added is walked too.
    for (const child of dropped) dropped.push(...(this.#children.get(child) ?? []))
    for (const child of dropped) this.delete(child)
    return dropped
  }

  /** Drops all branches that begin below a height, which is final now. */
  deleteBelow(height: number): void {
    for (const { facts } of this.#blocks.values()) {
      if (facts.height > height || this.#blocks.has(facts.parent)) continue
      this.deleteAbove(facts.hash)
      this.delete(facts.hash)
    }
  }

  /** The branch that ends with a block, from its first block beside the main chain on. */
  branchTo(hash: string): SideBlock[] {
    const branch: SideBlock[] = []
    for (let at = this.#blocks.get(hash); at !== undefined; at = this.#blocks.get(at.facts.parent)) branch.push(at)
    return branch.toReversed()
  }

  /** The best end of a branch. */
  best(): SideBlock | undefined {
    const [first, ...others] = this.#ends()
    return others.reduce((a, b) => (a !== undefined && this.#better(a, b) ? a : b), first)
  }

  #evict(sizeOf: (share: Share) => number): void {
    const shareOf = ({ facts }: SideBlock): number =>
      sizeOf(this.#shares.get(this.#accounts.get(facts.hash)?.who ?? '') ?? NOTHING)
    const goesFirst = (a: SideBlock, b: SideBlock): boolean =>
      shareOf(a) > shareOf(b) || (shareOf(a) === shareOf(b) && this.#better(b, a))
    const first = this.#ends().reduce((a, b) => (goesFirst(b, a) ? b : a))
    this.delete(first.facts.hash)
  }

  /** A branch may name authorities that nobody let in, which only its execution tells: they answer for nothing. */
  #accountOf({ facts: { height, parent, proposer }, changedAt, former = [], authorities }: SideBlock): Account {
    const before = this.#accounts.get(parent)
    if (before !== undefined) return before.known.includes(proposer) ? { ...before, who: proposer } : before
    return { known: changedAt === height ? former : authorities, who: proposer }
  }

  #count(who: string, count: number, bytes: number): void {
    const before = this.#shares.get(who) ?? NOTHING
    const share = { count: before.count + count, bytes: before.bytes + bytes }
    if (share.count > 0) this.#shares.set(who, share)
    else this.#shares.delete(who)
    this.#bytes += bytes
  }

  #ends(): SideBlock[] {
    return [...this.#blocks.values()].filter(({ facts }) => !this.#children.has(facts.hash))
  }
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ChainBackendBlock } from '../../src/conformance/index.ts'
import type { ChainTip, ImportOutcome } from '../../src/index.ts'
import { type Disk, makeBlock, ModelChain } from './model-chain.ts'

// Each breaks one rule, or as few as can be, of what a chain has to hold.

export class Forgetful extends ModelChain {
  override keep(block: ChainBackendBlock): ImportOutcome {
    const outcome = super.keep(block)
    this.disk.blocks.set(block.hash, { ...block, bytes: block.header })
    return outcome
  }
}

export class Stuck extends ModelChain {
  override keep(block: ChainBackendBlock): ImportOutcome {
    return block.height > 3 ? { status: 'imported', tip: this.tip() } : super.keep(block)
  }
}

export class WrongOutcome extends ModelChain {
  override keep(block: ChainBackendBlock): ImportOutcome {
    const before = this.tip()
    super.keep(block)
    return { status: 'imported', tip: before }
  }
}

export class Amnesiac extends ModelChain {
  override add(bytes: Uint8Array): ImportOutcome {
    const outcome = super.add(bytes)
    return outcome.status === 'known' ? { status: 'imported', tip: this.tip() } : outcome
  }
}

export class Growing extends ModelChain {
  override add(bytes: Uint8Array): ImportOutcome {
    const outcome = super.add(bytes)
    const tip = this.tip()
    if (outcome.status === 'known') this.disk.main.push(makeBlock(tip, 'once more'))
    return outcome
  }
}

export class WrongParent extends ModelChain {
  override add(bytes: Uint8Array): ImportOutcome {
    const outcome = super.add(bytes)
    return outcome.status === 'unknown-parent' ? { ...outcome, parent: this.tip().hash } : outcome
  }
}

export class Grudging extends ModelChain {
  readonly orphans = new Set<string>()
  override add(bytes: Uint8Array): ImportOutcome {
    const key = Buffer.from(bytes).toString('hex')
    if (this.orphans.has(key)) return this.refuse('seen-before')
    const outcome = super.add(bytes)
    if (outcome.status === 'unknown-parent') this.orphans.add(key)
    return outcome
  }
}

export class Keeping extends ModelChain {
  override add(bytes: Uint8Array): ImportOutcome {
    const outcome = super.add(bytes)
    const [header = ''] = Buffer.from(bytes).toString('latin1').split('\n')
    const [height, parent = '', says = ''] = header.split('|')
    const block = makeBlock({ height: Number(height) - 1, hash: parent }, says)
    if (outcome.status === 'unknown-parent') this.disk.blocks.set(block.hash, block)
    return outcome
  }
}

export class Credulous extends ModelChain {
  override refuse(code: string): ImportOutcome {
    return code === 'false-block' ? { status: 'imported', tip: this.tip() } : super.refuse(code)
  }
}

export class Silent extends ModelChain {
  override refuse(): ImportOutcome {
    return { status: 'refused', code: '', message: '' }
  }
}

export class Shaken extends ModelChain {
  override refuse(code: string): ImportOutcome {
    if (this.disk.main.length > 1) this.disk.main.pop()
    return super.refuse(code)
  }
}

export class Tired extends ModelChain {
  #refusals = 0
  override refuse(code: string): ImportOutcome {
    return ++this.#refusals % 2 === 0 ? { status: 'known' } : super.refuse(code)
  }
}

export class Torn extends ModelChain {
  override add(bytes: Uint8Array): ImportOutcome {
    return super.add(bytes.at(-1) === 0 ? bytes.slice(0, -1) : bytes)
  }
}

export class Throwing extends ModelChain {
  override refuse(code: string): ImportOutcome {
    if (code === 'malformed') throw new RangeError('no block')
    return super.refuse(code)
  }
}

export class Twice extends ModelChain {
  override async importBlock(bytes: Uint8Array): Promise<ImportOutcome> {
    const outcome = new ModelChain({ blocks: new Map(this.disk.blocks), main: [...this.disk.main] }).add(bytes)
    await Promise.resolve()
    this.add(bytes)
    return outcome.status === 'imported' ? { status: 'imported', tip: this.tip() } : outcome
  }
}

export class Deaf extends ModelChain {
  override async headers(height: number, limit: number): Promise<Uint8Array[]> {
    return super.headers(height, limit)
  }

  override async importBlock(bytes: Uint8Array): Promise<ImportOutcome> {
    return this.add(bytes)
  }
}

export class DeafForBlocks extends ModelChain {
  override async blocks(hashes: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return super.blocks(hashes)
  }
}

export class Half extends ModelChain {
  override async importBlock(bytes: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<ImportOutcome> {
    signal?.throwIfAborted()
    await Promise.resolve()
    const outcome = this.add(bytes)
    await Promise.resolve()
    // It is in the chain, and its bytes are gone.
    if (signal?.aborted === true && outcome.status === 'imported') this.disk.blocks.delete(this.tip().hash)
    signal?.throwIfAborted()
    return outcome
  }
}

export class Unfounded extends ModelChain {
  override async blocks(hashes: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return super.blocks(hashes.map((hash) => (hash === this.place(0).hash ? '' : hash)))
  }
}

export class Hasty extends ModelChain {
  override finalised(): ChainTip {
    return { height: this.tip().height + 1, hash: '' }
  }
}

export class Generous extends ModelChain {
  override async headers(height: number, limit: number): Promise<Uint8Array[]> {
    return super.headers(height, limit + 1)
  }
}

export class Backward extends ModelChain {
  override async headers(height: number, limit: number): Promise<Uint8Array[]> {
    return (await super.headers(height, limit)).toReversed()
  }
}

export class Clamping extends ModelChain {
  override async headers(height: number, limit: number): Promise<Uint8Array[]> {
    return super.headers(Math.min(height, this.tip().height), limit)
  }
}

export class Compact extends ModelChain {
  override async blocks(hashes: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return (await super.blocks(hashes)).filter((bytes) => bytes !== undefined)
  }
}

export class Sorted extends ModelChain {
  override async blocks(hashes: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return super.blocks(hashes.toSorted())
  }
}

export class Mixed extends ModelChain {
  override async headers(height: number, limit: number): Promise<Uint8Array[]> {
    const first = await super.headers(height, 6)
    // What is imported meanwhile is in by the next turn of the event loop.
    await nextTurn()
    return [...first, ...(await super.headers(height + 6, limit - 6))]
  }
}

export class Steadfast extends ModelChain {
  override isBetter(block: ChainBackendBlock, tip: ChainTip): boolean {
    return block.parent === tip.hash
  }
}

export class FirstSeen extends ModelChain {
  override isBetter(block: ChainBackendBlock, tip: ChainTip): boolean {
    // Nothing but what extends the branch that was first, once that is long enough.
    return block.height < 8 ? super.isBetter(block, tip) : block.parent === tip.hash
  }
}

export class Torpid extends ModelChain {
  override add(bytes: Uint8Array): ImportOutcome {
    const outcome = super.add(bytes)
    // Whatever comes upon a branch beside the chain is taken, false or not.
    const isBeside = Buffer.from(bytes).toString('latin1').includes('|better\n')
    return outcome.status === 'refused' && isBeside ? { status: 'imported', tip: this.tip() } : outcome
  }
}

export class Never extends ModelChain {
  override finalised(): ChainTip {
    return this.place(0)
  }
}

export class Wavering extends ModelChain {
  override finalised(): ChainTip {
    const { height } = super.finalised()
    return this.place(this.tip().height % 2 === 0 ? height : 0)
  }
}

export class Unsound extends ModelChain {
  override keep(block: ChainBackendBlock): ImportOutcome {
    this.disk.blocks.set(block.hash, block)
    const branch = this.branchTo(block)
    if (this.isBetter(block, this.tip())) this.disk.main = [...this.disk.main.slice(0, branch[0]?.height), ...branch]
    return { status: 'imported', tip: this.tip() }
  }
}

export class Volatile extends ModelChain {
  constructor(disk: Disk) {
    // What came last was not written yet.
    super({ blocks: disk.blocks, main: disk.main.length > 2 ? disk.main.slice(0, -1) : [...disk.main] })
    this.#written = disk
  }

  readonly #written: Disk
  override keep(block: ChainBackendBlock): ImportOutcome {
    const outcome = super.keep(block)
    this.#written.main = this.disk.main
    return outcome
  }
}

import { createHash } from 'node:crypto'
import type { AbortOptions } from '@libp2p/interface'
import type { ChainBackendBlock, ChainBackendWorld } from '../../src/conformance/index.ts'
import type { ChainBackend, ChainTip, ImportOutcome } from '../../src/index.ts'

/** A block is final once so many are above it. */
const FINAL_DEPTH = 4

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))
const shaOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Height, parent and what it says, all of it in its header; then the same backwards, which is its body. */
export function makeBlock(parent: ChainTip | undefined, says: string): ChainBackendBlock {
  const facts = { height: (parent?.height ?? -1) + 1, parent: parent?.hash ?? '' }
  const header = `${facts.height}|${facts.parent}|${says}`
  const body = header.split('').toReversed().join('')
  return { ...facts, hash: shaOf(header), header: bytesOf(header), bytes: bytesOf(`${header}\n${body}`) }
}

export function makeBlocks(parent: ChainTip, count: number, says: string): ChainBackendBlock[] {
  const blocks: ChainBackendBlock[] = []
  for (let made = 0; made < count; made++) blocks.push(makeBlock(blocks.at(-1) ?? parent, says))
  return blocks
}

/** What outlives a chain. */
export interface Disk {
  readonly blocks: Map<string, ChainBackendBlock>
  /** Of the chain that is followed, ascending. */
  main: ChainBackendBlock[]
}

/** The longest branch of blocks that anybody can make; those that say `lie` are refused. Written to be broken. */
export class ModelChain implements ChainBackend {
  readonly disk: Disk

  constructor(disk: Disk) {
    this.disk = disk
  }

  tip(): ChainTip {
    return this.place(this.disk.main.length - 1)
  }

  finalised(): ChainTip {
    return this.place(Math.max(0, this.disk.main.length - 1 - FINAL_DEPTH))
  }

  place(height: number): ChainTip {
    return { height, hash: this.disk.main[height]?.hash ?? '' }
  }

  async headers(height: number, limit: number, { signal }: AbortOptions = {}): Promise<Uint8Array[]> {
    signal?.throwIfAborted()
    return this.disk.main.slice(height, height + limit).map(({ header }) => header)
  }

  async blocks(hashes: readonly string[], { signal }: AbortOptions = {}): Promise<(Uint8Array | undefined)[]> {
    signal?.throwIfAborted()
    return hashes.map((hash) => this.disk.blocks.get(hash)?.bytes)
  }

  async importBlock(bytes: Uint8Array, { signal }: AbortOptions = {}): Promise<ImportOutcome> {
    signal?.throwIfAborted()
    return this.add(bytes)
  }

  add(bytes: Uint8Array): ImportOutcome {
    const [header = '', body] = textOf(bytes).split('\n')
    const [height = '', parent = '', says = ''] = header.split('|')
    const block = makeBlock(height === '' ? undefined : { height: Number(height) - 1, hash: parent }, says)
    if (body === undefined || textOf(block.bytes) !== textOf(bytes)) return this.refuse('malformed')
    if (this.disk.blocks.has(block.hash)) return { status: 'known' }
    if (!this.disk.blocks.has(block.parent)) return { status: 'unknown-parent', parent: block.parent }
    if (says === 'lie') return this.refuse('false-block')
    return this.keep(block)
  }

  refuse(code: string): ImportOutcome {
    return { status: 'refused', code, message: `refused as ${code}` }
  }

  keep(block: ChainBackendBlock): ImportOutcome {
    this.disk.blocks.set(block.hash, block)
    const tip = this.tip()
    if (this.isBetter(block, tip)) {
      const branch = this.branchTo(block)
      if ((branch[0]?.height ?? 0) > this.finalised().height) {
        this.disk.main = [...this.disk.main.slice(0, branch[0]?.height), ...branch]
      }
    }
    return { status: 'imported', tip: this.tip() }
  }

  isBetter(block: ChainTip, tip: ChainTip): boolean {
    return block.height > tip.height || (block.height === tip.height && block.hash < tip.hash)
  }

  /** The blocks that lead to one and are not in the chain that is followed. */
  branchTo(block: ChainBackendBlock): ChainBackendBlock[] {
    const branch: ChainBackendBlock[] = []
    let at: ChainBackendBlock | undefined = block
    while (at !== undefined && this.disk.main[at.height]?.hash !== at.hash) {
      branch.unshift(at)
      at = this.disk.blocks.get(at.parent)
    }
    return branch
  }
}

/** A world of such a chain, or of a broken one. */
export function worldOf(
  create: new (disk: Disk) => ModelChain,
  changes: Partial<ChainBackendWorld> = {},
): ChainBackendWorld {
  const genesis = makeBlock(undefined, 'genesis')
  const main = makeBlocks(genesis, 8, 'main')
  const fork = main[4] ?? genesis
  const lie = (after: number): Uint8Array => makeBlock(main[after - 1] ?? genesis, 'lie').bytes
  const disk: Disk = { blocks: new Map([[genesis.hash, genesis]]), main: [genesis] }
  return {
    chain: new create(disk),
    main,
    better: makeBlocks(fork, 5, 'better'),
    outdated: makeBlocks(genesis, 12, 'outdated'),
    refused: [0, 3, 8].map((after) => ({ fault: `a lie after ${after}`, after, bytes: lie(after) })),
    reopen: () => new create(disk),
    stop: () => undefined,
    ...changes,
  }
}

import { createHash } from 'node:crypto'
import type { ChainBackend, ChainTip, ImportOutcome } from '@gridmesh/interfaces'
import type { ChainReader, HeaderFacts } from '../src/index.ts'

/** A header of the model: the keys and values that its block sets are under `body`, and only those who may can seal. */
interface ModelHeader {
  height: number
  parent: string
  body: string
  seal: string
}

export interface ModelBlock extends HeaderFacts {
  header: Uint8Array
  bytes: Uint8Array
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
const sealOf = ({ height, parent, body }: Omit<ModelHeader, 'seal'>): string =>
  sha(`secret ${height} ${parent} ${body}`)
const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

/** Makes a block upon another; a false one has a seal that does not hold. */
export function makeBlock(parent: ChainTip | undefined, body: string, isValid = true): ModelBlock {
  const fields = { height: (parent?.height ?? -1) + 1, parent: parent?.hash ?? '00', body: sha(body) }
  const header = encodeHeader({ ...fields, seal: isValid ? sealOf(fields) : 'false' })
  const length = Buffer.alloc(2)
  length.writeUInt16BE(header.byteLength)
  const bytes = new Uint8Array(Buffer.concat([length, header, Buffer.from(body)]))
  return { ...readHeader(header), header, bytes }
}

/** The same header with a body that it does not name. */
export function withBody({ header }: ModelBlock, body: string): Uint8Array {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(header.byteLength)
  return new Uint8Array(Buffer.concat([length, header, Buffer.from(body)]))
}

export const GENESIS = makeBlock(undefined, 'genesis')

/** Blocks one upon the other, the first upon `parent`. */
export function makeBlocks(parent: ModelBlock, count: number, label: string, isValid = true): ModelBlock[] {
  const blocks: ModelBlock[] = []
  let last = parent
  for (let i = 0; i < count; i++) {
    last = makeBlock(last, `${label} ${i}`, isValid)
    blocks.push(last)
  }
  return blocks
}

function encodeHeader({ height, parent, body, seal }: ModelHeader): Uint8Array {
  return utf8(`${height}|${parent}|${body}|${seal}`)
}

function parse(bytes: Uint8Array): ModelHeader {
  const text = Buffer.from(bytes).toString()
  const match = /^(\d+)\|([0-9a-f]+)\|([0-9a-f]+)\|(\w+)$/.exec(text)
  if (match === null) throw new SyntaxError('not a header of the model')
  const [, height = '', parent = '', body = '', seal = ''] = match
  return { height: Number(height), parent, body, seal }
}

function readHeader(bytes: Uint8Array): HeaderFacts {
  const { height, parent } = parse(bytes)
  return { height, parent, hash: sha(Buffer.from(bytes).toString()) }
}

function split(bytes: Uint8Array): { header: Uint8Array; body: string } {
  const buffer = Buffer.from(bytes)
  const length = buffer.readUInt16BE(0)
  return { header: new Uint8Array(buffer.subarray(2, 2 + length)), body: buffer.subarray(2 + length).toString() }
}

export const reader: ChainReader = {
  header: readHeader,
  block(bytes) {
    const { header, body } = split(bytes)
    if (parse(header).body !== sha(body)) throw new SyntaxError('a body that the header does not name')
    return readHeader(header)
  },
}

/** With it, false headers are known at sight. */
export const judging: ChainReader = {
  ...reader,
  judge(headers) {
    const isTrue = headers.map(parse).every((header) => header.seal === sealOf(header))
    return isTrue ? undefined : { code: 'false-seal', message: 'the seal does not hold' }
  },
}

/** A chain in memory that prefers the longest branch, then the smaller hash, and is final some blocks below its tip. */
export class ModelChain implements ChainBackend {
  readonly blocksByHash = new Map<string, ModelBlock>()
  /** Hashes in the order in which they were imported. */
  readonly importOrder: string[] = []
  /** Heights that were not executed. */
  readonly unexecuted: number[] = []
  readonly #depth: number
  #canonical: ModelBlock[]
  #finalised: number
  #busy = 0
  /** How long an import takes, in ms; `Infinity` never ends, `NaN` throws. */
  importMs = 0

  constructor(base: ModelBlock = GENESIS, depth = 1_000) {
    this.#canonical = [base]
    this.#finalised = base.height
    this.#depth = depth
    this.blocksByHash.set(base.hash, base)
  }

  tip(): ChainTip {
    return placeOf(this.at(this.#base + this.#canonical.length - 1))
  }

  finalised(): ChainTip {
    return placeOf(this.at(this.#finalised))
  }

  at(height: number): ModelBlock {
    const block = this.#canonical[height - this.#base]
    if (block === undefined) throw new RangeError(`no block ${height}`)
    return block
  }

  headers(height: number, limit: number): Promise<Uint8Array[]> {
    const from = height - this.#base
    return Promise.resolve(from < 0 ? [] : this.#canonical.slice(from, from + limit).map(({ header }) => header))
  }

  blocks(hashes: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.resolve(hashes.map((hash) => this.blocksByHash.get(hash)?.bytes))
  }

  async importBlock(bytes: Uint8Array): Promise<ImportOutcome> {
    this.#busy++
    if (this.#busy > 1) throw new RangeError('two imports at once')
    try {
      if (Number.isNaN(this.importMs)) throw new RangeError('the disk is full')
      if (this.importMs === Infinity) await new Promise(() => {})
      if (this.importMs > 0) await new Promise((resolve) => setTimeout(resolve, this.importMs))
      return this.add(bytes)
    } finally {
      this.#busy--
    }
  }

  importFinal(bytes: Uint8Array): Promise<ImportOutcome> {
    this.unexecuted.push(readHeader(split(bytes).header).height)
    return Promise.resolve(this.add(bytes))
  }

  /** Adds at once. */
  add(bytes: Uint8Array): ImportOutcome {
    const { header, body } = split(bytes)
    const facts = readHeader(header)
    if (this.blocksByHash.has(facts.hash)) return { status: 'known' }
    const parent = this.blocksByHash.get(facts.parent)
    if (parent === undefined) return { status: 'unknown-parent', parent: facts.parent }
    const fields = parse(header)
    if (fields.seal !== sealOf(fields) || fields.body !== sha(body) || facts.height !== parent.height + 1) {
      return { status: 'refused', code: 'false-seal', message: 'the seal does not hold' }
    }
    const block = { ...facts, header, bytes }
    this.blocksByHash.set(block.hash, block)
    this.importOrder.push(block.hash)
    this.#choose(block)
    return { status: 'imported', tip: this.tip() }
  }

  addAll(blocks: readonly ModelBlock[]): this {
    for (const { bytes } of blocks) this.add(bytes)
    return this
  }

  /** Begins anew at a block, as after a checkpoint. */
  reset(base: ModelBlock): void {
    this.blocksByHash.clear()
    this.blocksByHash.set(base.hash, base)
    this.#canonical = [base]
    this.#finalised = base.height
  }

  get #base(): number {
    return this.#canonical[0]?.height ?? 0
  }

  #choose(block: ModelBlock): void {
    const tip = this.tip()
    if (block.height < tip.height || (block.height === tip.height && block.hash > tip.hash)) return
    if (block.parent === tip.hash) {
      this.#canonical.push(block)
      this.#finalised = Math.max(this.#finalised, block.height - this.#depth)
      return
    }
    const branch: ModelBlock[] = []
    let at: ModelBlock | undefined = block
    while (at !== undefined && (at.height > tip.height || this.#canonical[at.height - this.#base]?.hash !== at.hash)) {
      if (at.height <= this.#finalised) return
      branch.unshift(at)
      at = this.blocksByHash.get(at.parent)
    }
    if (at === undefined) return
    this.#canonical = [...this.#canonical.slice(0, at.height + 1 - this.#base), ...branch]
    this.#finalised = Math.max(this.#finalised, block.height - this.#depth)
  }
}

function placeOf({ height, hash }: ChainTip): ChainTip {
  return { height, hash }
}

import { BlockStore, memoryStore, type StoredBlock } from '@gridmesh/block-store'
import type { ChainBackend, ChainTip, ImportOutcome } from '@gridmesh/interfaces'
import {
  addressOf,
  type Block,
  buildBlock,
  buildGenesis,
  decodeBlock,
  decodeHeader,
  decodePiece,
  defaultRegistry,
  encodeBlock,
  encodePiece,
  type Entry,
  type GenesisBlock,
  type Header,
  MemoryState,
  bucketOf,
  outputId,
  parseGenesis,
  signerOf,
  signTransaction,
  StateTree,
  toHex,
  type Transaction,
  transfer,
  txRoot,
  validateBlock,
  verifyPiece,
} from '@gridmesh/ledger'
import type {
  BlockServerComponents,
  ChainReader,
  GetStatePiece,
  HeaderFacts,
  HistoryTarget,
  StateImport,
  StateTarget,
} from '../src/index.ts'

const BUCKETS = 65_536
export const PIECES = 16

const [proposer, alice, bob] = [1, 2, 3].map((seed) => signerOf(new Uint8Array(32).fill(seed)))
if (proposer === undefined || alice === undefined || bob === undefined) throw new TypeError('three keys')

export const GENESIS: GenesisBlock = buildGenesis(
  parseGenesis(`
name: sync-test
time: 2026-01-01T00:00:00Z
zones: [{ zone: 1, name: bangkok }]
authorities: [{ publicKey: ${toHex(proposer.publicKey)} }]
tender: [${Array.from({ length: 40 }, (_, i) => `{ amount: ${1_000 + i}, zone: 1, owner: ${toHex(addressOf(alice.publicKey))} }`).join(', ')}]
`),
)

const factsOf = ({ height, hash, parent }: Header): HeaderFacts => ({
  height,
  hash: toHex(hash),
  parent: toHex(parent),
})

export const ledgerReader: ChainReader = {
  header: (bytes) => factsOf(decodeHeader(bytes)),
  block(bytes) {
    const { header, transactions } = decodeBlock(bytes, defaultRegistry)
    if (toHex(txRoot(transactions.map(({ id }) => id))) !== toHex(header.txRoot)) throw new SyntaxError('another body')
    return factsOf(header)
  },
}

const toStored = ({ header, transactions }: Block): StoredBlock => ({
  height: header.height,
  hash: header.hash,
  parent: header.parent,
  header: header.bytes,
  body: encodeBlock({ header, transactions }),
  transactions: transactions.map(({ id }) => id),
})

/** The energy chain in a store, as a node would join them. One branch only. */
export class LedgerNode implements ChainBackend {
  readonly #store: BlockStore
  #view = new MemoryState()
  #tree = new StateTree()
  #header: Header = GENESIS.block.header
  #snapshot: { block: ChainTip; view: MemoryState; tree: StateTree } | undefined
  #lowest: HeaderFacts = factsOf(GENESIS.block.header)
  /** Pieces that are kept over a restart, by block. */
  readonly #pieces = new Map<string, Map<number, readonly Entry[]>>()
  #grown = 0
  /** Which pieces came, in order. */
  readonly added: number[] = []
  /** Bytes of the pieces that came at once. */
  readonly handed: number[][] = []
  /** Whether it takes a state in more pieces where it is asked to. */
  mayBeFiner = false
  /** How long it takes to keep them, in ms. */
  keepMs = 0

  private constructor(store: BlockStore) {
    this.#store = store
  }

  static async create(): Promise<LedgerNode> {
    const node = new LedgerNode(await BlockStore.over(memoryStore()))
    await node.#store.append(toStored(GENESIS.block), GENESIS.changes)
    node.#view.apply(GENESIS.changes)
    node.#tree.apply(GENESIS.changes)
    return node
  }

  tip(): ChainTip {
    return { height: this.#header.height, hash: toHex(this.#header.hash) }
  }

  get stateRoot(): string {
    return toHex(this.#tree.root)
  }

  finalised(): ChainTip {
    // Blocks of a single authority are final at once.
    return this.tip()
  }

  async headers(height: number, limit: number): Promise<Uint8Array[]> {
    return (await this.#store.headers(height, limit)).map(({ header }) => header)
  }

  async blocks(hashes: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return await Promise.all(hashes.map((hash) => this.#store.body(Buffer.from(hash, 'hex'))))
  }

  async importBlock(bytes: Uint8Array): Promise<ImportOutcome> {
    const block = decodeBlock(bytes, defaultRegistry)
    const { hash, parent } = block.header
    if ((await this.#store.heightOf(hash)) !== undefined) return { status: 'known' }
    if (toHex(parent) !== this.tip().hash) return { status: 'unknown-parent', parent: toHex(parent) }
    const state = { view: this.#view, tree: this.#tree }
    const verdict = validateBlock(state, this.#header, block, { registry: defaultRegistry })
    if (verdict.status === 'refused') return verdict
    await this.#store.append(toStored(block), verdict.changes)
    this.#view.apply(verdict.changes)
    verdict.update.commit()
    this.#header = block.header
    return { status: 'imported', tip: this.tip() }
  }

  /** Makes blocks in which one output goes from hand to hand. */
  async grow(count: number): Promise<this> {
    // Another one with each call.
    const which = this.#grown++
    let owner = alice
    let input = outputId(new Uint8Array(32), which)
    for (let i = 0; i < count; i++) {
      const next = owner === alice ? bob : alice
      if (owner === undefined || next === undefined || proposer === undefined) throw new TypeError('three keys')
      const [amount, zone] = [1_000 + which, 1]
      const outputs = [{ asset: 'thb' as const, amount, owner: addressOf(next.publicKey), zone }]
      const body = { inputs: [input], outputs }
      const paid: Transaction = signTransaction(transfer, body, { chainId: GENESIS.chainId, signer: owner })
      const { block, leftOut } = buildBlock({ view: this.#view, tree: this.#tree }, this.#header, [paid], {
        registry: defaultRegistry,
        signer: proposer,
        timeMs: 0,
      })
      if (leftOut.length > 0) throw new RangeError(JSON.stringify(leftOut))
      await this.importBlock(encodeBlock(block))
      input = outputId(paid.id, 0)
      owner = next
    }
    return this
  }

  /** Keeps the state as it is now, to give it to others. */
  snapshot(): this {
    const view = new MemoryState()
    const rows = [...this.#view.entries()].map(([key, after]) => ({ key, before: undefined, after }))
    view.apply(rows)
    this.#snapshot = { block: this.tip(), view, tree: StateTree.from(view.entries()) }
    return this
  }

  readonly stateReader: BlockServerComponents['state'] & object = {
    checkpoint: () => this.#snapshot?.block,
    piece: ({ block, piece, pieces }: GetStatePiece) => {
      const held = this.#snapshot
      if (held === undefined || held.block.hash !== block.hash || BUCKETS % pieces !== 0)
        return Promise.resolve(undefined)
      const count = BUCKETS / pieces
      const read = (first: number, length: number): Entry[] =>
        [...held.view.entries()].filter(([key]) => bucketOf(key) >= first && bucketOf(key) < first + length)
      return Promise.resolve(encodePiece(held.tree.piece(piece * count, count, read)))
    },
  }

  readonly target: StateTarget = {
    begin: (bytes, { pieces: least = PIECES }) => {
      const block = decodeBlock(bytes, defaultRegistry)
      const pieces = this.mayBeFiner ? Math.max(PIECES, least) : PIECES
      const name = `${toHex(block.header.hash)} ${pieces}`
      const kept = this.#pieces.get(name) ?? new Map<number, readonly Entry[]>()
      this.#pieces.set(name, kept)
      return Promise.resolve(this.#import(block, pieces, kept))
    },
  }

  #import(block: Block, pieces: number, kept: Map<number, readonly Entry[]>): StateImport {
    const count = BUCKETS / pieces
    return {
      pieces,
      kept: [...kept.keys()],
      add: async (some) => {
        this.handed.push(some.map(({ bytes }) => bytes.byteLength))
        const refusals = some.map(({ piece: index, bytes }) => {
          const piece = decodePieceOr(bytes)
          const fault = piece === undefined ? 'malformed' : verifyPiece(block.header.stateRoot, piece)
          if (piece === undefined || fault !== undefined || piece.first !== index * count || piece.count !== count) {
            return { code: fault ?? 'another-piece', message: `piece ${index}` }
          }
          kept.set(index, piece.entries)
          this.added.push(index)
          return undefined
        })
        if (this.keepMs > 0) await new Promise((resolve) => setTimeout(resolve, this.keepMs))
        return refusals
      },
      finish: async () => {
        const entries = [...kept.values()].flat()
        await this.#store.importState(entries, toStored(block))
        this.#view = new MemoryState()
        this.#view.apply(entries.map(([key, after]) => ({ key, before: undefined, after })))
        this.#tree = StateTree.from(entries)
        this.#header = block.header
        this.#lowest = factsOf(block.header)
        this.#pieces.clear()
      },
      close: () => Promise.resolve(),
    }
  }

  readonly history: HistoryTarget = {
    lowest: () => (this.#lowest.height === 0 ? undefined : this.#lowest),
    prepend: async (bytes) => {
      const block = decodeBlock(bytes, defaultRegistry)
      await this.#store.prepend(toStored(block))
      this.#lowest = factsOf(block.header)
    },
  }

  async close(): Promise<void> {
    await this.#store.close()
  }
}

function decodePieceOr(bytes: Uint8Array): ReturnType<typeof decodePiece> | undefined {
  try {
    return decodePiece(bytes)
  } catch {
    return undefined
  }
}

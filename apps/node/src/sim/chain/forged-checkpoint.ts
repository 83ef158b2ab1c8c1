import type {
  BlocksAnswer,
  GetBlocks,
  GetHeaders,
  GetStatePiece,
  HeadersAnswer,
  StatePieceAnswer,
  Status,
} from '@gridmesh/block-sync'
import {
  type Block,
  bucketOf,
  BUCKETS,
  buildGenesis,
  encodeBlock,
  encodePiece,
  type Entry,
  type Genesis,
  type GenesisBlock,
  type HeaderFields,
  type LedgerSigner,
  signHeader,
  toHex,
  txRoot,
} from '@gridmesh/ledger'

/** Blocks between the tips of all others and what is claimed. */
const AHEAD = 1_000
const HASH_BYTES = 32

/** A state of a liar's own making, in which it is the only authority: all that is false is that no chain leads there. */
export class ForgedState {
  readonly #signer: LedgerSigner
  readonly #chainId: Uint8Array
  readonly #own: GenesisBlock

  /** The chain that it is said to be of, and the liar. */
  constructor(genesis: Genesis, signer: LedgerSigner) {
    this.#signer = signer
    this.#chainId = buildGenesis(genesis).chainId
    this.#own = buildGenesis({ ...genesis, authorities: [{ publicKey: signer.publicKey, zones: [] }] })
  }

  /** A block after it, whose header says so and whose signature holds. */
  block(fields: Partial<HeaderFields> & { height: number }): Block {
    const header = signHeader(
      {
        chainId: this.#chainId,
        parent: new Uint8Array(HASH_BYTES),
        timeMs: Date.now(),
        kind: 'energy',
        proposer: this.#signer.publicKey,
        txRoot: txRoot([]),
        stateRoot: this.#own.tree.root,
        gridSequence: 0,
        ...fields,
      },
      this.#signer,
    )
    return { header, transactions: [] }
  }

  /** A piece of it, as that header proves. */
  piece(piece: number, pieces: number): Uint8Array {
    const { changes, tree } = this.#own
    const count = BUCKETS / pieces
    const entries = changes.flatMap(({ key, after }): Entry[] => (after === undefined ? [] : [[key, after]]))
    const read = (first: number, length: number): Entry[] =>
      entries.filter(([key]) => bucketOf(key) >= first && bucketOf(key) < first + length)
    return encodePiece(tree.piece(piece * count, count, read))
  }
}

/** A block above the tips of all others, after a forged state, claimed as final. */
export class ForgedCheckpoint {
  readonly #state: ForgedState
  #block: Block | undefined

  constructor(state: ForgedState) {
    this.#state = state
  }

  status({ tip }: Status): Status {
    const { header } = (this.#block ??= this.#state.block({ height: tip.height + AHEAD }))
    const place = { height: header.height, hash: toHex(header.hash) }
    return { tip: place, finalised: place, checkpoint: place }
  }

  /** Of other heights it has what all have, the final block of whoever asks among them. */
  headers({ height }: GetHeaders, honest: HeadersAnswer): HeadersAnswer {
    const header = this.#block?.header
    return header === undefined || height !== header.height ? honest : { status: 'found', headers: [header.bytes] }
  }

  blocks({ hashes }: GetBlocks, { blocks }: BlocksAnswer): BlocksAnswer {
    const block = this.#block
    if (block === undefined || hashes[0] !== toHex(block.header.hash)) return { blocks }
    return { blocks: [encodeBlock(block)] }
  }

  piece({ block, piece, pieces }: GetStatePiece, honest: StatePieceAnswer): StatePieceAnswer {
    if (block.height !== this.#block?.header.height) return honest
    return { piece: this.#state.piece(piece, pieces) }
  }
}

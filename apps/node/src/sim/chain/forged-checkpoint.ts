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
  type LedgerSigner,
  signHeader,
  toHex,
  txRoot,
} from '@gridmesh/ledger'

/** Blocks between the tips of all others and what is claimed. */
const AHEAD = 1_000
const HASH_BYTES = 32

/**
 * A block above the tips of all others, after a state in which its maker is the only authority. The state is what the
 * header says, and the signature holds; that no chain leads there is all that is false.
 */
export class ForgedCheckpoint {
  readonly #signer: LedgerSigner
  readonly #chainId: Uint8Array
  readonly #own: GenesisBlock
  #block: Block | undefined

  constructor(genesis: Genesis, signer: LedgerSigner) {
    this.#signer = signer
    this.#chainId = buildGenesis(genesis).chainId
    this.#own = buildGenesis({ ...genesis, authorities: [{ publicKey: signer.publicKey, zones: [] }] })
  }

  status({ tip }: Status): Status {
    const { header } = (this.#block ??= this.#forge(tip.height + AHEAD))
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
    const { changes, tree } = this.#own
    const count = BUCKETS / pieces
    const entries = changes.flatMap(({ key, after }): Entry[] => (after === undefined ? [] : [[key, after]]))
    const read = (first: number, length: number): Entry[] =>
      entries.filter(([key]) => bucketOf(key) >= first && bucketOf(key) < first + length)
    return { piece: encodePiece(tree.piece(piece * count, count, read)) }
  }

  #forge(height: number): Block {
    const header = signHeader(
      {
        chainId: this.#chainId,
        height,
        parent: new Uint8Array(HASH_BYTES),
        timeMs: Date.now(),
        kind: 'energy',
        proposer: this.#signer.publicKey,
        txRoot: txRoot([]),
        stateRoot: this.#own.tree.root,
        gridSequence: 0,
      },
      this.#signer,
    )
    return { header, transactions: [] }
  }
}

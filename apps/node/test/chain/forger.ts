import type { StatePieceAnswer, SyncRequests } from '@gridmesh/block-sync'
import type { ChainTip } from '@gridmesh/interfaces'
import {
  addressOf,
  type Block,
  bucketOf,
  BUCKETS,
  buildGenesis,
  encodeBlock,
  encodePiece,
  type HeaderFields,
  parseGenesis,
  signerOf,
  signHeader,
  toHex,
  txRoot,
} from '@gridmesh/ledger'
import { genesisOf } from './genesis.ts'

const OTHER = signerOf(new Uint8Array(32).fill(66))
/** Who is the only authority by a state of its own making. */
export const FORGER = toHex(addressOf(OTHER.publicKey))
const CHAIN_ID = buildGenesis(genesisOf()).chainId

const own = buildGenesis(
  parseGenesis(`
name: own
time: 2026-01-01T00:00:00Z
zones: [{ zone: 1, name: bangkok }]
authorities: [{ publicKey: ${toHex(OTHER.publicKey)} }]
tender: [{ amount: 1000000, zone: 1, owner: ${FORGER} }]
`),
)

/** A block of the chain that its maker, and nobody else, takes for one; by default after the state of its own making. */
export function forgedBlock(fields: Partial<HeaderFields> & { height: number }): Block {
  const header = signHeader(
    {
      chainId: CHAIN_ID,
      parent: new Uint8Array(32).fill(9),
      timeMs: Date.now(),
      kind: 'energy',
      proposer: OTHER.publicKey,
      txRoot: txRoot([]),
      stateRoot: own.tree.root,
      gridSequence: 0,
      ...fields,
    },
    OTHER,
  )
  return { header, transactions: [] }
}

/** A piece of the state after a forged block, proved by its header. */
export function forgedPiece(piece: number, pieces: number): Uint8Array {
  const count = BUCKETS / pieces
  const entries = own.changes.flatMap(({ key, after }) => (after === undefined ? [] : [[key, after] as const]))
  const read = (first: number, length: number): typeof entries =>
    entries.filter(([key]) => bucketOf(key) >= first && bucketOf(key) < first + length)
  return encodePiece(own.tree.piece(piece * count, count, read))
}

/** A peer that claims a forged block as its tip, as final, and as a checkpoint, and gives what it is asked for. */
export class Forger {
  readonly #block: Block
  readonly tip: ChainTip
  readonly #piece: typeof forgedPiece

  constructor(block: Block, piece: typeof forgedPiece = forgedPiece) {
    this.#block = block
    this.#piece = piece
    this.tip = { height: block.header.height, hash: toHex(block.header.hash) }
  }

  status = (): { tip: ChainTip; finalised: ChainTip; checkpoint: ChainTip } => {
    const { tip } = this
    return { tip, finalised: tip, checkpoint: tip }
  }

  headers = async (): ReturnType<SyncRequests['headers']> =>
    Promise.resolve({ status: 'found', headers: [this.#block.header.bytes] })

  blocks = async (): ReturnType<SyncRequests['blocks']> => Promise.resolve({ blocks: [encodeBlock(this.#block)] })

  statePiece = async ({ piece, pieces }: { piece: number; pieces: number }): Promise<StatePieceAnswer> =>
    Promise.resolve({ piece: this.#piece(piece, pieces) })
}

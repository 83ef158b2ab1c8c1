import type { StatePieceAnswer, SyncRequests } from '@gridmesh/block-sync'
import type { ChainTip } from '@gridmesh/interfaces'
import { addressOf, type Block, encodeBlock, type HeaderFields, signerOf, toHex } from '@gridmesh/ledger'
import { ForgedState } from '../../src/sim/chain/forged-checkpoint.ts'
import { genesisOf } from './genesis.ts'

const OTHER = signerOf(new Uint8Array(32).fill(66))
/** Who is the only authority by a state of its own making. */
export const FORGER = toHex(addressOf(OTHER.publicKey))
const state = new ForgedState(genesisOf(), OTHER)

/** A block of the chain that its maker, and nobody else, takes for one; by default after the state of its own making. */
export function forgedBlock(fields: Partial<HeaderFields> & { height: number }): Block {
  return state.block(fields)
}

/** A piece of the state after a forged block, proved by its header. */
export function forgedPiece(piece: number, pieces: number): Uint8Array {
  return state.piece(piece, pieces)
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

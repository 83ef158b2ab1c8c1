import type { StagedState } from '@gridmesh/block-store'
import type { CallOptions, Refusal, StateImport } from '@gridmesh/block-sync'
import { BUCKETS, decodePiece, MalformedError, type Piece, verifyPiece } from '@gridmesh/ledger'
import type { FullBlock } from '../chain-block.ts'
import { CorruptCheckpointError } from '../errors.ts'
import { type ReadState, readState } from '../read-state.ts'

/** What the import of a state works with. */
export interface PieceImportParts {
  /** The block whose state it is. */
  full: FullBlock
  staged: StagedState
  /** How many parts it comes in. */
  pieces: number
  /** Makes what is staged the state of the chain, in one step. */
  adopt: (full: FullBlock, state: ReadState, staged: StagedState, signal: AbortSignal) => Promise<void>
}

/** A state under way, whose pieces are checked against the root in the header of its block. */
export class PieceImport implements StateImport {
  readonly pieces: number
  readonly kept: readonly number[]
  readonly #parts: PieceImportParts

  constructor(parts: PieceImportParts) {
    this.#parts = parts
    this.pieces = parts.pieces
    this.kept = parts.staged.parts
  }

  async add(piece: number, bytes: Uint8Array, { signal }: CallOptions): Promise<Refusal | undefined> {
    const read = this.#read(piece, bytes)
    if ('code' in read) return read
    await this.#parts.staged.add(piece, read.entries, { signal })
    return undefined
  }

  /**
   * Reads the whole state once more from the disk, and only then switches: what was kept over a restart is not taken on
   * trust, and a fault leaves the chain as it was.
   *
   * @throws {CorruptCheckpointError} when what is on the disk is not what the header states; it is deleted
   * @throws {CheckpointBehindError} when the chain has passed the block meanwhile
   */
  async finish({ signal }: CallOptions): Promise<void> {
    const { full, staged, adopt } = this.#parts
    const { header } = full.block
    let state: ReadState
    try {
      state = await readState(staged.entries({ signal }), header)
      if (state.authorities.length === 0) throw new RangeError('it has no authorities')
    } catch (cause) {
      signal.throwIfAborted()
      await staged.drop()
      throw new CorruptCheckpointError(header.height, { cause })
    }
    await adopt(full, state, staged, signal)
  }

  async close(): Promise<void> {
    this.#parts.staged.close()
    return Promise.resolve()
  }

  #read(index: number, bytes: Uint8Array): Piece | Refusal {
    const { full, pieces } = this.#parts
    const count = BUCKETS / pieces
    let piece: Piece
    try {
      piece = decodePiece(bytes)
    } catch (err) {
      if (err instanceof MalformedError) return { code: 'malformed', message: err.message }
      throw err
    }
    if (piece.first !== index * count || piece.count !== count) {
      const message = `${piece.count} buckets from ${piece.first} on, where ${count} from ${index * count} on were asked for`
      return { code: 'another-piece', message }
    }
    const fault = verifyPiece(full.block.header.stateRoot, piece)
    return fault === undefined ? piece : { code: fault, message: `not a part of the state of the block` }
  }
}

import type { StagedState } from '@gridmesh/block-store'
import type { ArrivedPiece, CallOptions, Refusal, StateImport } from '@gridmesh/block-sync'
import {
  authorityList,
  bucketOf,
  BUCKETS,
  decodePiece,
  MalformedError,
  type Piece,
  verifyPiece,
} from '@gridmesh/ledger'
import type { FullBlock } from '../chain-block.ts'
import { CorruptCheckpointError } from '../errors.ts'
import { type ReadState, readState } from '../read-state.ts'
import { ProvedState } from './proved-state.ts'

const LIST_KEY = Buffer.from(authorityList.key())
const LIST_BUCKET = bucketOf(LIST_KEY)

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
  /** Where nothing was kept of an earlier life, which is not taken on trust. */
  readonly #proved: ProvedState | undefined
  /** What is on its way to the disk: the next pieces are checked meanwhile, and no more than those. */
  #writing: Promise<void> = Promise.resolve()

  constructor(parts: PieceImportParts) {
    this.#parts = parts
    this.pieces = parts.pieces
    this.kept = parts.staged.parts
    this.#proved = this.kept.length === 0 ? new ProvedState(parts.full.block.header) : undefined
  }

  /** They are on the disk by the next call, or by `finish` or `close`. @throws what writing those before threw */
  async add(pieces: readonly ArrivedPiece[], { signal }: CallOptions): Promise<(Refusal | undefined)[]> {
    const read = pieces.map(({ piece, bytes }) => this.#read(piece, bytes))
    const parts = read.flatMap((each, at) => {
      const part = pieces[at]?.piece
      return 'code' in each || part === undefined ? [] : [{ part, entries: each.entries }]
    })
    await this.#writing
    signal.throwIfAborted()
    if (parts.length > 0) {
      this.#writing = this.#parts.staged.addAll(parts)
      // Whoever comes next is told.
      this.#writing.catch(() => undefined)
    }
    return read.map((each) => ('code' in each ? each : undefined))
  }

  /**
   * Switches, when all of it is on the disk. What was kept over a restart is not taken on trust: then the whole state is
   * read from the disk first. A fault leaves the chain as it was.
   *
   * @throws {CorruptCheckpointError} when it is not what the header states; it is deleted
   * @throws {CheckpointBehindError} when the chain has passed the block meanwhile
   */
  async finish({ signal }: CallOptions): Promise<void> {
    const { full, staged, adopt } = this.#parts
    await this.#writing
    let state: ReadState
    try {
      // One that was proved may not have come to the disk, where whoever added it gave up.
      const { length } = staged.parts
      if (length < this.pieces) throw new RangeError(`${length} of ${this.pieces} pieces are there`)
      state = this.#proved?.whole() ?? (await readState(staged.entries({ signal }), full.block.header))
      if (state.authorities.length === 0) throw new RangeError('it has no authorities')
    } catch (cause) {
      signal.throwIfAborted()
      await staged.drop()
      throw new CorruptCheckpointError(full.block.header.height, { cause })
    }
    await adopt(full, state, staged, signal)
  }

  async close(): Promise<void> {
    // Whether it failed is of no interest any more: what is not there is fetched again.
    await this.#writing.catch(() => undefined)
    this.#parts.staged.close()
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
    // It may be what the header states, of which the giver claims that it is final: no chain comes to it.
    if (!hasAuthorities(piece)) return { code: 'no-authorities', message: 'a state in which nobody may make a block' }
    const { stateRoot } = full.block.header
    const fault = this.#proved === undefined ? verifyPiece(stateRoot, piece) : this.#proved.put(piece)
    return fault === undefined ? piece : { code: fault, message: `not a part of the state of the block` }
  }
}

/** Whether somebody is an authority by a piece, or that is not in its buckets. */
function hasAuthorities({ first, count, entries }: Piece): boolean {
  if (LIST_BUCKET < first || LIST_BUCKET >= first + count) return true
  const [, list] = entries.find(([key]) => LIST_KEY.equals(key)) ?? []
  if (list === undefined) return false
  try {
    return authorityList.parse(list).length > 0
  } catch (err) {
    if (err instanceof MalformedError) return false
    throw err
  }
}

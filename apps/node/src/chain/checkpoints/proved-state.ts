import { authorityList, type Header, type Piece, type PieceFault, StateTree, toHex } from '@gridmesh/ledger'
import { StateMismatchError } from '../errors.ts'
import type { ReadState } from '../read-state.ts'

/**
 * The tree over a state whose pieces were all proved in this life of the process, one after the other, so that nothing has
 * to be hashed twice, and nothing that the disk took to be read again.
 */
export class ProvedState {
  readonly #header: Header
  readonly #tree = new StateTree()
  readonly #listKey = Buffer.from(authorityList.key())
  #list: Uint8Array | undefined

  constructor(header: Header) {
    this.#header = header
  }

  /** Takes a piece over, or says what is wrong with it. */
  put(piece: Piece): PieceFault | undefined {
    const fault = this.#tree.putPiece(this.#header.stateRoot, piece)
    if (fault !== undefined) return fault
    const list = piece.entries.find(([key]) => this.#listKey.equals(key))
    // A copy: the piece need not stay.
    if (list !== undefined) this.#list = Uint8Array.from(list[1])
    return undefined
  }

  /** The whole of it. @throws {StateMismatchError} when a piece is missing @throws {MalformedError} when nobody can read the authorities */
  whole(): ReadState {
    const tree = this.#tree
    const { height, stateRoot } = this.#header
    const [expected, received] = [toHex(stateRoot), toHex(tree.root)]
    if (expected !== received) throw new StateMismatchError(height, expected, received)
    return { tree, authorities: this.#list === undefined ? [] : authorityList.parse(this.#list).map(toHex) }
  }
}

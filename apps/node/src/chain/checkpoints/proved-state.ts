import { crc32 } from 'node:zlib'
import { authorityList, type Entry, type Header, type Piece, type PieceFault, StateTree, toHex } from '@gridmesh/ledger'
import { StateMismatchError } from '../errors.ts'
import type { ReadState } from '../read-state.ts'

/** Sums stay whole numbers below this, however many there are. */
const SUM_LIMIT = 2 ** 52

/**
 * The tree over a state whose pieces were all proved in this life of the process, one after the other. So that nothing has
 * to be hashed twice, what is read back from the disk at the end is held against checksums of what was proved: that is
 * for a disk that fails, and not for somebody who lies.
 */
export class ProvedState {
  readonly #header: Header
  readonly #tree = new StateTree()
  readonly #listKey = Buffer.from(authorityList.key())
  /** By number of the piece, so that one that comes again counts once. */
  readonly #sums = new Map<number, number>()
  #list: Uint8Array | undefined

  constructor(header: Header) {
    this.#header = header
  }

  /** Takes a piece over, or says what is wrong with it. */
  put(number: number, piece: Piece): PieceFault | undefined {
    const fault = this.#tree.putPiece(this.#header.stateRoot, piece)
    if (fault !== undefined) return fault
    this.#sums.set(number, sumOf(piece.entries))
    const list = piece.entries.find(([key]) => this.#listKey.equals(key))
    // A copy: the piece need not stay.
    if (list !== undefined) this.#list = Uint8Array.from(list[1])
    return undefined
  }

  /**
   * Holds what is on the disk against what was proved.
   *
   * @throws {StateMismatchError} when a piece is missing, or entries are others @throws {MalformedError} when nobody can read the authorities
   */
  async readBack(entries: AsyncIterable<readonly Entry[]>): Promise<ReadState> {
    const tree = this.#tree
    const { height, stateRoot } = this.#header
    const [expected, received] = [toHex(stateRoot), toHex(tree.root)]
    if (expected !== received) throw new StateMismatchError(height, expected, received)
    let [count, sum] = [0, 0]
    for await (const some of entries) {
      count += some.length
      sum = added(sum, sumOf(some))
    }
    const proved = [...this.#sums.values()].reduce(added, 0)
    if (count !== tree.size || sum !== proved) {
      const held = `unknown: ${count} entries with the sum ${sum}, where ${tree.size} with ${proved} were proved`
      throw new StateMismatchError(height, expected, held)
    }
    return { tree, authorities: this.#list === undefined ? [] : authorityList.parse(this.#list).map(toHex) }
  }
}

/** A sum over entries that does not depend on their order. */
function sumOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, [key, value]) => added(sum, crc32(value, crc32(key))), 0)
}

function added(a: number, b: number): number {
  return (a + b) % SUM_LIMIT
}

import type { ArrivedPiece, Refusal, StateImport } from '@gridmesh/block-sync'

/** The import of a state after a block that is false in itself: no piece of it is true. */
export class FalseImport implements StateImport {
  readonly pieces: number
  readonly kept: readonly number[] = []
  readonly #fault: Refusal

  constructor(pieces: number, fault: Refusal) {
    this.pieces = pieces
    this.#fault = fault
  }

  async add(pieces: readonly ArrivedPiece[]): Promise<Refusal[]> {
    return Promise.resolve(pieces.map(() => this.#fault))
  }

  /** Never asked for, since no piece is taken. */
  async finish(): Promise<void> {
    return Promise.reject(new RangeError(this.#fault.message))
  }

  async close(): Promise<void> {
    return Promise.resolve()
  }
}

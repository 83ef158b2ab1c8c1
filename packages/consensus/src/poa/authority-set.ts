import { createHash } from 'node:crypto'
import { MAX_AUTHORITIES } from '../constants.ts'
import type { Quorum } from './options.ts'

const cached = new WeakMap<readonly string[], AuthoritySet>()

/** Authorities in the order of their addresses. */
export class AuthoritySet {
  readonly size: number
  /** The same for the same authorities, and different for others. */
  readonly id: string
  readonly #sorted: readonly string[]
  readonly #indexes: ReadonlyMap<string, number>

  /** The set of a list, made once for each. @throws {RangeError} when it is empty, too long, or names one twice */
  static of(addresses: readonly string[]): AuthoritySet {
    const known = cached.get(addresses)
    if (known !== undefined) return known
    const set = new AuthoritySet(addresses)
    cached.set(addresses, set)
    return set
  }

  private constructor(addresses: readonly string[]) {
    const sorted = addresses.toSorted()
    this.#sorted = sorted
    this.size = sorted.length
    this.#indexes = new Map(sorted.map((address, index) => [address, index]))
    if (!(this.size >= 1 && this.size <= MAX_AUTHORITIES)) {
      throw new RangeError(`authorities are ${this.size}, and have to be from 1 to ${MAX_AUTHORITIES}`)
    }
    if (this.#indexes.size !== this.size) throw new RangeError('authorities name one address twice')
    this.id = createHash('sha256').update(JSON.stringify(sorted)).digest('hex')
  }

  has(address: string): boolean {
    return this.#indexes.has(address)
  }

  /**
   * Place of an authority in the order of a height: 0 for the one in turn, which is number `height mod size` by
   * address, 1 for the one after it, and so on round. `undefined` for anybody else.
   */
  rankOf(address: string, height: number): number | undefined {
    const index = this.#indexes.get(address)
    return index === undefined ? undefined : (index - (height % this.size) + this.size) % this.size
  }

  /** The one whose turn it is at a height. */
  inTurn(height: number): string {
    return this.#sorted[height % this.size] ?? ''
  }

  /** The fewest authorities that are more than half, or more than two thirds. */
  quorum(kind: Quorum): number {
    return Math.floor((kind === 'majority' ? this.size : 2 * this.size) / (kind === 'majority' ? 2 : 3)) + 1
  }
}

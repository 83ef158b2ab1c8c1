import { type Edit, EDGES } from './edits.ts'

const KINDS = ['set', 'flip', 'add', 'number', 'insert', 'remove', 'repeat', 'truncate', 'splice'] as const
const WIDTHS = [1, 2, 4, 8]
const MAX_EDITS = 6
const MAX_PIECE_BYTES = 64
const MAX_AT = 65_536

/** Numbers from a seed, so that a run can be had again: xorshift of 32 bits. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % end
  }

  /** One of a list. @throws {RangeError} when it is empty */
  of<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)]
    if (item === undefined) throw new RangeError('there is nothing to choose from')
    return item
  }
}

/** One to six edits, more often few. */
export function randomEdits(random: Random): Edit[] {
  const count = 1 + Math.min(random.below(MAX_EDITS), random.below(MAX_EDITS))
  return Array.from({ length: count }, () => randomEdit(random))
}

function randomEdit(random: Random): Edit {
  const kind = random.of(KINDS)
  const at = random.below(MAX_AT)
  const length = 1 + random.below(random.of([4, MAX_PIECE_BYTES]))
  switch (kind) {
    case 'set':
      return { kind, at, value: random.below(256) }
    case 'flip':
      return { kind, at, bit: random.below(8) }
    case 'add':
      return { kind, at, by: random.of([-16, -2, -1, 1, 2, 16]) }
    case 'number':
      return { kind, at, bytes: random.of(WIDTHS), value: random.of(EDGES) }
    case 'insert':
      return { kind, at, bytes: Array.from({ length }, () => random.below(256)) }
    case 'remove':
    case 'repeat':
      return { kind, at, length }
    case 'truncate':
      return { kind, at }
    case 'splice':
      break
  }
  return { kind, at, from: random.below(MAX_AT), length, isInserted: random.below(2) === 0 }
}

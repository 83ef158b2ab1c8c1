import { checkWhole } from '../checks.ts'
import { DEFAULT_MAX_HEADERS_PER_AUTHORITY, MAX_HEADERS_PER_AUTHORITY } from '../constants.ts'
import type { HeaderCodec, HeaderFacts } from '../ports.ts'
import { type Equivocation, equivocationOf, factsOf } from './evidence.ts'

/** Options of the detector. */
export interface EquivocationDetectorInit {
  /**
   * Headers kept of each authority, 2 or more; beyond it the one furthest from the head is forgotten. @default 64
   */
  maxHeadersPerAuthority?: number
}

interface Kept {
  height: number
  hash: string
  bytes: Uint8Array
  isReported: boolean
}

/** Whose headers are looked at. */
interface Members {
  readonly size: number
  has(address: string): boolean
}

/**
 * Finds authorities that sign two blocks of one height on one parent. Each has a memory of its own, so that one who
 * signs much cannot push out what is known of another; strangers have none.
 */
export class EquivocationDetector {
  readonly #codec: HeaderCodec
  readonly #max: number
  readonly #byAuthority = new Map<string, Map<string, Kept>>()

  /** @throws {RangeError} when the limit is not in its range */
  constructor(codec: HeaderCodec, init: EquivocationDetectorInit = {}) {
    const { maxHeadersPerAuthority = DEFAULT_MAX_HEADERS_PER_AUTHORITY } = init
    checkWhole('maxHeadersPerAuthority', maxHeadersPerAuthority, 2, MAX_HEADERS_PER_AUTHORITY)
    this.#codec = codec
    this.#max = maxHeadersPerAuthority
  }

  /** Headers kept of all authorities. */
  get size(): number {
    return [...this.#byAuthority.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /**
   * Looks at a header, and gives the evidence when it is the second of its place, once for each place that is kept.
   * Those nearest to `headHeight` are kept, so that headers far above it hide nothing for long.
   */
  observe(bytes: Uint8Array, authorities: Members, headHeight: number): Equivocation | undefined {
    const facts = factsOf(bytes, this.#codec)
    if (facts === undefined || !authorities.has(facts.proposer)) return undefined
    this.#dropOthers(authorities)
    const kept = this.#keptOf(facts.proposer)
    const slot = `${facts.height}/${facts.parent}`
    const other = kept.get(slot)
    if (other === undefined) {
      if (this.#codec.verify(bytes)) this.#keep(kept, slot, facts, bytes, headHeight)
      return undefined
    }
    if (other.isReported || other.hash === facts.hash) return undefined
    const found = equivocationOf(other.bytes, Uint8Array.from(bytes), this.#codec)
    if (typeof found === 'string') return undefined
    other.isReported = true
    return found
  }

  #keep(kept: Map<string, Kept>, slot: string, facts: HeaderFacts, bytes: Uint8Array, headHeight: number): void {
    const { height, hash } = facts
    // A copy: a view would hold on to the whole message that the header came in.
    kept.set(slot, { height, hash, bytes: Uint8Array.from(bytes), isReported: false })
    if (kept.size <= this.#max) return
    const distance = ([, one]: [string, Kept]): number => Math.abs(one.height - headHeight)
    const [furthest] = [...kept].reduce((a, b) => (distance(b) > distance(a) ? b : a))
    kept.delete(furthest)
  }

  #keptOf(address: string): Map<string, Kept> {
    const held = this.#byAuthority.get(address) ?? new Map<string, Kept>()
    this.#byAuthority.set(address, held)
    return held
  }

  #dropOthers(authorities: Members): void {
    if (this.#byAuthority.size < authorities.size) return
    for (const address of this.#byAuthority.keys()) if (!authorities.has(address)) this.#byAuthority.delete(address)
  }
}

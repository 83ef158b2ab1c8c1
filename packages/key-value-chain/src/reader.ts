import { toHex, type Verify } from '@gridmesh/ledger'
import { decodeBlock } from './block.ts'
import { checkBody, checkHeader, checkSuccession, type Refusal, refusal } from './check.ts'
import { WrongBodyError } from './errors.ts'
import type { Genesis } from './genesis.ts'
import { decodeHeader, type Header } from './header.ts'

/** The place of a block. Hashes are lower-case hex. */
export interface HeaderFacts {
  readonly height: number
  readonly hash: string
  readonly parent: string
}

/** Refusals that say nothing against whoever brought the block: it was early, or our own view of what is final counts. */
const NO_PROOF: ReadonlySet<string> = new Set(['time-ahead', 'below-finalised'])

/** Reads headers and blocks for a sync: it is a `ChainReader` of `@gridmesh/block-sync`. */
export class KeyValueReader {
  readonly #genesis: Genesis
  readonly #verify: Verify

  constructor(genesis: Genesis, verify: Verify) {
    this.#genesis = genesis
    this.#verify = verify
  }

  /** Reads a header of any key-value chain. @throws {MalformedError} */
  header(bytes: Uint8Array): HeaderFacts {
    return factsOf(decodeHeader(bytes))
  }

  /** Reads a block. @throws {MalformedError} @throws {WrongBodyError} when the body is not that of the header */
  block(bytes: Uint8Array): HeaderFacts {
    const block = decodeBlock(bytes)
    const fault = checkBody(block)
    if (fault !== undefined) throw new WrongBodyError(fault.code, fault.message)
    return factsOf(block.header)
  }

  /** Finds what is false about headers that ascend: chain, turns, signatures, slots. */
  judge(headers: readonly Uint8Array[]): Refusal | undefined {
    let before: Header | undefined
    for (const header of headers.map(decodeHeader)) {
      const upon = before === undefined ? undefined : checkSuccession(before, header)
      const fault = upon ?? this.#judgeOne(header)
      if (fault !== undefined) return fault
      before = header
    }
    return undefined
  }

  /** Whether a refusal of an import proves a lie. */
  isProof(code: string): boolean {
    return !NO_PROOF.has(code)
  }

  #judgeOne(header: Header): Refusal | undefined {
    if (header.height > 0) return checkHeader(this.#genesis, header, this.#verify)
    const isGenesis = Buffer.compare(header.hash, this.#genesis.header.hash) === 0
    return isGenesis ? undefined : refusal('wrong-chain', `block 0 is ${toHex(header.hash)}`)
  }
}

function factsOf({ height, hash, parent }: Header): HeaderFacts {
  return { height, hash: toHex(hash), parent: toHex(parent) }
}

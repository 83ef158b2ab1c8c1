import type { HeaderCodec } from '@gridmesh/consensus'
import {
  type Block,
  decodeBlock,
  type Header,
  headerSignatureOf,
  type Registry,
  signatureOf,
  toHex,
  type Transaction,
  verifySignature,
} from '@gridmesh/ledger'
import type { BlockFault, FullBlock } from './chain-block.ts'
import { AHEAD } from './import-queue.ts'
import type { Verifier } from './verifier.ts'

/** What checks of blocks need. None of it is of the state. */
export interface BlockChecksParts {
  headers: HeaderCodec
  verifier: Verifier
  registry: Registry
  chainId: Uint8Array
  /** Whether the mempool has checked the signature of a transaction. */
  isVerified: (id: string) => boolean
  /** Whether an address, in hex, is one of an authority now. */
  isAuthority: (address: string) => boolean
}

const NOT_CHECKED = Promise.resolve(undefined)

/** What was found of a block before its turn. */
interface Checked {
  readonly isSigned: boolean
  /** `undefined` where the check came to nothing. */
  readonly found: Promise<{ fault: BlockFault | undefined } | undefined>
}

/**
 * Reads blocks and checks their signatures: in their turn, or before, while the one before them is executed. Before its
 * turn only one that an authority has signed costs any more than that one signature.
 */
export class BlockChecks {
  readonly #parts: BlockChecksParts
  readonly #read = new Map<Uint8Array, FullBlock>()
  /** Of which nothing can be told before their turn: each is looked at once. */
  readonly #malformed = new WeakSet<Uint8Array>()
  readonly #checked = new WeakMap<FullBlock, Checked>()
  #aheadBytes = 0

  constructor(parts: BlockChecksParts) {
    this.#parts = parts
  }

  /** Looks at a block that is likely to be imported next. Its bytes are known again as the same array. */
  prepare(bytes: Uint8Array): void {
    if (this.#read.has(bytes) || this.#malformed.has(bytes)) return
    const block = this.#decoded(bytes)
    if (block === undefined) return
    const full: FullBlock = { bytes, block }
    this.#read.set(bytes, full)
    const isSigned = isHeaderSigned(block.header)
    const found = isSigned ? this.#faultOf(block.transactions).then((fault) => ({ fault })) : NOT_CHECKED
    this.#checked.set(full, { isSigned, found: found.catch(() => undefined) })
    this.#aheadBytes += bytes.byteLength
    this.#forgetOldest()
  }

  /** Reads a block whose turn has come. @throws {MalformedError} */
  read(bytes: Uint8Array): FullBlock {
    const full = this.#read.get(bytes)
    this.#forget(bytes)
    return full ?? { bytes, block: decodeBlock(bytes, this.#parts.registry) }
  }

  /**
   * Whether the maker of a block signed it. That is checked here and at once: among those of transactions it would wait for
   * all of the blocks before, and its own would be asked for only then.
   */
  isSigned(full: FullBlock): boolean {
    return this.#checked.get(full)?.isSigned ?? isHeaderSigned(full.block.header)
  }

  /** Which transaction of a block is not signed by its sender. @throws {VerifyFailedError} */
  async faultOf(full: FullBlock): Promise<BlockFault | undefined> {
    const found = await this.#checked.get(full)?.found
    return found === undefined ? this.#faultOf(full.block.transactions) : found.fault
  }

  /** A block by an authority; `undefined` for any other, and where it cannot be read, as its import says. */
  #decoded(bytes: Uint8Array): Block | undefined {
    const { headers, isAuthority, registry } = this.#parts
    try {
      const { proposer } = headers.decode(headers.ofBlock(bytes))
      return isAuthority(proposer) ? decodeBlock(bytes, registry) : undefined
    } catch {
      this.#malformed.add(bytes)
      return undefined
    }
  }

  /** As many as are prepared of those that wait are remembered; any other one is looked at in its turn. */
  #forgetOldest(): void {
    for (const oldest of this.#read.keys()) {
      const { size } = this.#read
      if (size <= AHEAD.least || (size <= AHEAD.most && this.#aheadBytes <= AHEAD.maxBytes)) return
      this.#forget(oldest)
    }
  }

  #forget(bytes: Uint8Array): void {
    if (this.#read.delete(bytes)) this.#aheadBytes -= bytes.byteLength
  }

  async #faultOf(transactions: readonly Transaction[]): Promise<BlockFault | undefined> {
    const { verifier, chainId, isVerified } = this.#parts
    const unknown = transactions.filter(({ id }) => !isVerified(toHex(id)))
    const answers = await verifier.verify(unknown.map((transaction) => signatureOf(transaction, chainId)))
    const wrong = unknown[answers.findIndex((answer) => !answer)]
    if (wrong === undefined) return undefined
    const message = `the signature of ${toHex(wrong.sender)} does not hold for transaction ${toHex(wrong.id)}`
    return { code: 'invalid-signature', message }
  }
}

function isHeaderSigned(header: Header): boolean {
  return verifySignature(headerSignatureOf(header))
}

import {
  addressOf,
  decodeBlock,
  type Header,
  headerSignatureOf,
  type Registry,
  signatureOf,
  toHex,
  type Transaction,
} from '@gridmesh/ledger'
import type { BlockFault, FullBlock } from './chain-block.ts'
import type { Verifier } from './verifier.ts'

/** Blocks that are looked at before their turn; beyond, the oldest is forgotten, and looked at in its turn. */
const MAX_AHEAD = 2

/** What checks of blocks need. None of it is of the state. */
export interface BlockChecksParts {
  verifier: Verifier
  registry: Registry
  chainId: Uint8Array
  /** Whether the mempool has checked the signature of a transaction. */
  isVerified: (id: string) => boolean
  /** Whether an address, in hex, is one of an authority now. */
  isAuthority: (address: string) => boolean
}

/** What was found of a block before its turn. */
interface Checked {
  isSigned: boolean
  fault: BlockFault | undefined
}

/**
 * Reads blocks and checks their signatures: in their turn, or before, while the one before them is executed. Before its
 * turn only one that an authority has signed costs any more than that one signature.
 */
export class BlockChecks {
  readonly #parts: BlockChecksParts
  readonly #read = new Map<Uint8Array, FullBlock>()
  readonly #checked = new WeakMap<FullBlock, Promise<Checked | undefined>>()

  constructor(parts: BlockChecksParts) {
    this.#parts = parts
  }

  /** Looks at a block that is likely to be imported next. Its bytes are known again as the same array. */
  prepare(bytes: Uint8Array): void {
    if (this.#read.has(bytes)) return
    let full: FullBlock
    try {
      full = { bytes, block: decodeBlock(bytes, this.#parts.registry) }
    } catch {
      // Its import says so.
      return
    }
    if (!this.#parts.isAuthority(toHex(addressOf(full.block.header.proposer)))) return
    this.#read.set(bytes, full)
    this.#checked.set(
      full,
      this.#check(full).catch(() => undefined),
    )
    const [oldest] = this.#read.keys()
    if (oldest !== undefined && this.#read.size > MAX_AHEAD) this.#read.delete(oldest)
  }

  /** Reads a block whose turn has come. @throws {MalformedError} */
  read(bytes: Uint8Array): FullBlock {
    const full = this.#read.get(bytes)
    this.#read.delete(bytes)
    return full ?? { bytes, block: decodeBlock(bytes, this.#parts.registry) }
  }

  /** Whether the maker of a block signed it. @throws {VerifyFailedError} */
  async isSigned(full: FullBlock): Promise<boolean> {
    return (await this.#checked.get(full))?.isSigned ?? this.#isSigned(full.block.header)
  }

  /** Which transaction of a block is not signed by its sender. @throws {VerifyFailedError} */
  async faultOf(full: FullBlock): Promise<BlockFault | undefined> {
    const checked = await this.#checked.get(full)
    return checked?.isSigned === true ? checked.fault : this.#faultOf(full.block.transactions)
  }

  async #check({ block }: FullBlock): Promise<Checked> {
    const isSigned = await this.#isSigned(block.header)
    return { isSigned, fault: isSigned ? await this.#faultOf(block.transactions) : undefined }
  }

  async #isSigned(header: Header): Promise<boolean> {
    const [isSigned] = await this.#parts.verifier.verify([headerSignatureOf(header)])
    return isSigned === true
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

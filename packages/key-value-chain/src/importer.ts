import type { ImportOutcome } from '@gridmesh/interfaces'
import { longest, MalformedError, toHex, type Verify } from '@gridmesh/ledger'
import { type Block, decodeBlock } from './block.ts'
import { checkBody, checkHeader, checkSuccession, checkTime, type Refusal, refusal } from './check.ts'
import type { Genesis } from './genesis.ts'
import type { Header } from './header.ts'
import type { MainChain } from './main-chain.ts'
import { Marks } from './marks.ts'
import type { Moved, Mover } from './mover.ts'
import type { SideBlocks } from './side-blocks.ts'
import { signatureOf } from './transaction.ts'

/** What imports work with. */
export interface ImporterParts {
  genesis: Genesis
  main: MainChain
  mover: Mover
  sides: SideBlocks
  verify: Verify
  maxClockAheadMs: number
  /** Tells of a move, while nothing else can be read. */
  onMoved: (moved: Moved) => void
}

/** Judges blocks, one at a time, the cheap first, and puts in place what is good. */
export class Importer {
  readonly #parts: ImporterParts
  readonly #marks = new Marks()

  constructor(parts: ImporterParts) {
    this.#parts = parts
  }

  /** @throws {ChainFailedError} @throws {SideBlocksFullError} */
  async import(bytes: Uint8Array): Promise<ImportOutcome> {
    const { mover, genesis, verify, main } = this.#parts
    mover.assertWhole()
    const block = read(bytes)
    if (!('header' in block)) return refused(block)
    const { header } = block
    const mark = this.#marks.get(toHex(header.hash))
    if (mark !== undefined) return refused(mark)
    if (await this.#isKnown(header)) return { status: 'known' }
    const fault = checkHeader(genesis, header, verify) ?? checkBody(block) ?? this.#checkFinality(header)
    if (fault !== undefined) return refused(fault)
    const hash = toHex(header.parent)
    const below = this.#marks.get(hash)
    if (below !== undefined) return refused(invalidAncestor(hash, below))
    const parent = await this.#parentOf(header)
    if (parent === undefined) return { status: 'unknown-parent', parent: hash }
    const invalid = checkSuccession(parent, header) ?? this.#checkTime(header)
    if (invalid !== undefined) return refused(invalid)
    const forged = this.#checkSignatures(block)
    if (forged !== undefined) return this.#condemn(block, forged)
    return Buffer.compare(header.parent, main.tip.hash) === 0 ? this.#extend(block) : this.#keep(block)
  }

  async #isKnown({ hash }: Header): Promise<boolean> {
    const { sides, main } = this.#parts
    return sides.get(toHex(hash)) !== undefined || (await main.header(hash)) !== undefined
  }

  #checkFinality({ height }: Header): Refusal | undefined {
    const { finalised } = this.#parts.main
    if (height > finalised) return undefined
    return refusal('below-finalised', `height ${height}, where block ${finalised} is final, and another one`)
  }

  async #parentOf({ parent }: Header): Promise<Header | undefined> {
    const { sides, main } = this.#parts
    return sides.get(toHex(parent))?.block.header ?? (await main.header(parent))
  }

  #checkTime(header: Header): Refusal | undefined {
    return checkTime(this.#parts.genesis, header, Date.now(), this.#parts.maxClockAheadMs)
  }

  #checkSignatures({ transactions }: Block): Refusal | undefined {
    const { genesis, verify } = this.#parts
    const forged = transactions.find((transaction) => !verify(signatureOf(transaction, genesis.chainId)))
    if (forged === undefined) return undefined
    return refusal('invalid-signature', `the signature of transaction ${toHex(forged.id)} does not hold`)
  }

  async #extend(block: Block): Promise<ImportOutcome> {
    const fault = await this.#parts.mover.extend(block)
    return fault === undefined ? this.#moved({ reverted: [], applied: [block] }) : this.#condemn(block, fault)
  }

  /** Keeps a block that is not upon the tip, and goes over to its branch where that is the better one. */
  async #keep(block: Block): Promise<ImportOutcome> {
    const { sides, main, mover } = this.#parts
    sides.add(block)
    const { header } = block
    if (!longest.better(header, main.tip)) return this.#imported()
    const hash = toHex(header.hash)
    const branch = sides.branchTo(hash)
    const ancestor = await this.#ancestorOf(branch)
    if (ancestor === undefined) return this.#imported()
    const switched = await mover.switchTo(branch, ancestor.height)
    if (switched.culprit === undefined) return this.#moved(switched)
    const condemned = this.#condemn(switched.culprit, switched.refusal)
    const culprit = toHex(switched.culprit.header.hash)
    return culprit === hash ? condemned : refused(invalidAncestor(culprit, switched.refusal))
  }

  /** Remembers that a block of a producer is false, so that nobody can have all of its branch executed once more. */
  #condemn({ header }: Block, fault: Refusal): ImportOutcome {
    const hash = toHex(header.hash)
    this.#marks.add(hash, fault)
    this.#parts.sides.condemn(hash)
    return refused(fault)
  }

  /**
   * Where a branch leaves the chain, which is not below the final block: what is as low as that is let go. Nowhere, where a
   * reverted block that it stands upon found no room.
   */
  async #ancestorOf([first]: readonly Block[]): Promise<Header | undefined> {
    return first === undefined ? undefined : this.#parts.main.header(first.header.parent)
  }

  async #moved(moved: Moved): Promise<ImportOutcome> {
    const { sides, mover, onMoved } = this.#parts
    for (const { header } of moved.applied) sides.delete(toHex(header.hash))
    for (const block of moved.reverted) sides.giveBack(block)
    const final = await mover.finalise()
    if (final !== undefined) sides.prune(final.height)
    onMoved({ ...moved, final })
    return this.#imported()
  }

  #imported(): ImportOutcome {
    const { height, hash } = this.#parts.main.tip
    return { status: 'imported', tip: { height, hash: toHex(hash) } }
  }
}

function read(bytes: Uint8Array): Block | Refusal {
  try {
    // A copy of its own: what is kept must not change with what a caller has.
    return decodeBlock(Uint8Array.from(bytes))
  } catch (err) {
    if (err instanceof MalformedError) return refusal(err.code, err.message)
    throw err
  }
}

function invalidAncestor(hash: string, { message }: Refusal): Refusal {
  return refusal('invalid-ancestor', `block ${hash} below it: ${message}`)
}

function refused({ code, message }: Refusal): ImportOutcome {
  return { status: 'refused', code, message }
}

import type { ImportOutcome } from '@gridmesh/interfaces'
import { decodeBlock, MalformedError, type Registry, toHex, txRootOf } from '@gridmesh/ledger'
import { authoritiesAfter, changeAfter } from './authorities.ts'
import type { BlockChecks } from './block-checks.ts'
import { blocksAbove } from './blocks-above.ts'
import { type BlockFault, type ChainBlock, type ChainRules, factsOf, type FullBlock } from './chain-block.ts'
import type { EarlyBlocks } from './early-blocks.ts'
import { SideBlocksFullError } from './errors.ts'
import { type HeaderJudgement, judgeHeader } from './judge-header.ts'
import type { MainChain } from './main-chain.ts'
import type { Marks } from './marks.ts'
import type { Mover } from './mover.ts'
import type { Better, SideBlock, SideBlocks, SideLimits } from './side-blocks.ts'

/** What imports work with. */
export interface ImporterParts {
  main: MainChain
  mover: Mover
  sides: SideBlocks
  marks: Marks
  early: EarlyBlocks
  checks: BlockChecks
  rules: ChainRules
  registry: Registry
  better: Better
  limits: SideLimits
  chainId: Uint8Array
  nowMs: () => number
  /** Tells that there is a better branch, and why it cannot be gone to. */
  onStuck: (fault: BlockFault) => void
}

/** A block that was judged by its header, with the block that it builds on. */
interface Judged {
  full: FullBlock
  parent: ChainBlock
  judgement: Extract<HeaderJudgement, { status: 'valid' }>
}

/** Judges blocks, one at a time: the cheap first, and keeps or puts in place what is good. */
export class Importer {
  readonly #parts: ImporterParts
  /** End of the branch that could not be gone to: it is not tried again as long as there is no better one. */
  #stuckOn: string | undefined

  constructor(parts: ImporterParts) {
    this.#parts = parts
  }

  /** Judges one block. Its bytes must not change meanwhile. @throws {ChainFailedError} @throws {VerifyFailedError} */
  async import(bytes: Uint8Array): Promise<ImportOutcome> {
    this.#parts.mover.assertWhole()
    const full = this.#read(bytes)
    if ('status' in full) return full
    const parent = await this.#parentOf(full)
    if ('status' in parent) {
      // Where a check of signatures failed, a better branch is left to be gone to.
      if (this.#parts.sides.get(toHex(full.block.header.hash)) !== undefined) await this.#goToBest()
      return parent
    }
    const judged = this.#judge(full, parent)
    if ('status' in judged) return judged
    return this.#isOnHead(judged) ? this.#extend(judged) : this.#keep(judged)
  }

  #read(bytes: Uint8Array): FullBlock | ImportOutcome {
    try {
      return this.#parts.checks.read(bytes)
    } catch (err) {
      if (err instanceof MalformedError) return refused(err)
      throw err
    }
  }

  /** The block that it builds on, if that is a place where a block may be. */
  async #parentOf({ block: { header } }: FullBlock): Promise<ChainBlock | ImportOutcome> {
    const { main, sides, marks, chainId } = this.#parts
    const [hash, parentHash] = [toHex(header.hash), toHex(header.parent)]
    const mark = marks.get(hash)
    if (mark !== undefined) return refused(mark)
    if (sides.get(hash) !== undefined || (await main.has(hash))) return { status: 'known' }
    if (toHex(header.chainId) !== toHex(chainId)) {
      return refused({ code: 'wrong-chain', message: `chain ${toHex(header.chainId)}, and this is ${toHex(chainId)}` })
    }
    const { finalised } = main
    if (header.height <= finalised.height) {
      const message = `height ${header.height}, where block ${finalised.height} is final and another one`
      return refused({ code: 'below-finalised', message })
    }
    // It is not marked: anybody can make up as many of them, which would push out the marks there are.
    if (marks.get(parentHash) !== undefined) return refused(invalidParent(parentHash))
    const parent = sides.get(parentHash) ?? (await main.find(parentHash))
    return parent ?? { status: 'unknown-parent', parent: parentHash }
  }

  /** Header, then the signature of its maker, and that the body is the one of the header. */
  #judge(full: FullBlock, parent: ChainBlock): Judged | ImportOutcome {
    const { rules, nowMs, checks, early } = this.#parts
    const { header } = full.block
    const judgement = judgeHeader(rules, parent, full.block, nowMs())
    const isEarly = judgement.status === 'refused' && judgement.retryInMs !== undefined
    if (judgement.status === 'refused' && !isEarly) return refused(judgement)
    if (!checks.isSigned(full)) {
      const message = `the signature of ${toHex(header.proposer)} does not hold`
      return refused({ code: 'invalid-block-signature', message })
    }
    // Before anything is held against the block: with the header of somebody true, anybody can send another body.
    const root = toHex(txRootOf(full.block))
    if (root !== toHex(header.txRoot)) {
      return refused({ code: 'wrong-tx-root', message: `${toHex(header.txRoot)}, where ${root} was expected` })
    }
    if (judgement.status === 'valid') return { full, parent, judgement }
    early.hold(factsOf(header), full.bytes, judgement.retryInMs ?? 0)
    return refused(judgement)
  }

  #isOnHead({ parent }: Judged): boolean {
    return parent.facts.hash === this.#parts.mover.head.facts.hash
  }

  async #extend({ full, judgement }: Judged): Promise<ImportOutcome> {
    const { mover, checks } = this.#parts
    const fault = await mover.extend(full, checks.faultOf(full))
    return fault === undefined ? this.#imported() : this.#refuseForGood(judgement.facts.hash, fault)
  }

  async #keep({ full: { bytes, block }, parent, judgement }: Judged): Promise<ImportOutcome> {
    const { sides, marks, registry, limits, rules } = this.#parts
    // A copy of its own: the bytes may be a view of something larger.
    const copy = Uint8Array.from(bytes)
    const { facts, standing } = judgement
    const authorities = authoritiesAfter(parent.authorities, block)
    const own = decodeBlock(copy, registry)
    const isKept = sides.add({
      header: own.header,
      facts,
      standing,
      authorities,
      ...changeAfter(parent, { facts, standing, isChange: authorities !== parent.authorities }, rules),
      full: { bytes: copy, block: own },
      isVerified: false,
      isExecuted: false,
    })
    if (!isKept) throw new SideBlocksFullError(facts.hash, limits)
    await this.#goToBest()
    const mark = marks.get(facts.hash)
    return mark === undefined ? this.#imported() : refused(mark)
  }

  /** Switches to the best branch there is; one that is found invalid is gone, and the next one is looked at. */
  async #goToBest(): Promise<void> {
    const { main, sides, mover, better, limits, onStuck } = this.#parts
    for (;;) {
      const best = sides.best()
      if (best === undefined || best.facts.hash === this.#stuckOn || !better(best, mover.head)) return
      const branch = sides.branchTo(best.facts.hash)
      if (!(await this.#checkBranch(branch))) continue
      const [first] = branch
      if (first === undefined) return
      const ancestor = { height: first.facts.height - 1, hash: first.facts.parent }
      const old = await blocksAbove(main, ancestor.height, limits)
      if ('code' in old) {
        this.#stuckOn = best.facts.hash
        onStuck(old)
        return
      }
      const culprit = await mover.switchTo(ancestor, old, branch)
      if (culprit === undefined) this.#exchange(branch, old)
      else this.#condemn(culprit.side, culprit.fault)
    }
  }

  /** Checks the signatures of a branch, as long as nothing has moved. */
  async #checkBranch(branch: readonly SideBlock[]): Promise<boolean> {
    for (const side of branch) {
      const fault = side.isVerified ? undefined : await this.#parts.checks.faultOf(side.full)
      if (fault !== undefined) {
        this.#condemn(side, fault)
        return false
      }
      side.isVerified = true
    }
    return true
  }

  /** The branch that was left takes the place of the one that is the main chain now. */
  #exchange(branch: readonly SideBlock[], old: readonly SideBlock[]): void {
    const { sides, main } = this.#parts
    for (const { facts } of branch) sides.delete(facts.hash)
    // For want of room, or since it is below what is final by now: what builds on it has no parent any more.
    let isLost = false
    for (const side of old) {
      isLost ||= !sides.add(side)
      if (isLost) sides.deleteAbove(side.facts.hash)
    }
    sides.deleteBelow(main.finalised.height)
  }

  #condemn({ facts: { hash } }: SideBlock, fault: BlockFault): void {
    const { sides, marks } = this.#parts
    marks.add(hash, fault)
    for (const above of sides.deleteAbove(hash)) marks.add(above, invalidParent(hash))
    sides.delete(hash)
  }

  #refuseForGood(hash: string, fault: BlockFault): ImportOutcome {
    this.#parts.marks.add(hash, fault)
    return refused(fault)
  }

  #imported(): ImportOutcome {
    const { main, sides, mover } = this.#parts
    sides.deleteBelow(main.finalised.height)
    const { height, hash } = mover.head.facts
    return { status: 'imported', tip: { height, hash } }
  }
}

function refused({ code, message }: BlockFault): ImportOutcome {
  return { status: 'refused', code, message }
}

function invalidParent(hash: string): BlockFault {
  return { code: 'invalid-parent', message: `block ${hash}, which it builds on, is not valid` }
}

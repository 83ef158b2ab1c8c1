import { addressOf, authorityRegister, authorityRevoke, type Block, toHex, type Transaction } from '@gridmesh/ledger'
import { MAX_AUTHORITIES } from '@gridmesh/consensus'
import type { BlockFault, ChainBlock, ChainRules } from './chain-block.ts'
import { isOf } from './is-of.ts'

/** Whether a transaction makes or unmakes an authority. */
export function changesAuthorities({ kind }: Pick<Transaction, 'kind'>): boolean {
  return kind === authorityRegister.name || kind === authorityRevoke.name
}

/** Whether a change of the authorities is not final yet after a block. */
export function isChangePending({ changedAt, standing }: ChainBlock, rules: ChainRules): boolean {
  return changedAt > rules.finalHeight(standing)
}

/** Which change of the authorities is the newest after a block, and who they were before while it is not final. */
export function changeAfter(
  parent: ChainBlock,
  { facts, standing, isChange }: Pick<ChainBlock, 'facts' | 'standing'> & { isChange: boolean },
  rules: ChainRules,
): Pick<ChainBlock, 'changedAt' | 'former'> {
  if (isChange) return { changedAt: facts.height, former: parent.authorities }
  const { changedAt, former } = parent
  return { changedAt, former: changedAt > rules.finalHeight(standing) ? former : undefined }
}

/**
 * Refuses a second change of the authorities before the first is final on its branch. Until it is,
 * a quorum of those before it is wanted as well; with a second one there would be branches whose quorums need not meet,
 * and two of them could each become final.
 */
export function checkChanges({ transactions }: Block, parent: ChainBlock, rules: ChainRules): BlockFault | undefined {
  const count = transactions.filter(changesAuthorities).length
  if (count === 0) return undefined
  if (count > 1) return { code: 'authority-change-pending', message: `${count} changes of authorities, where 1 may be` }
  if (!isChangePending(parent, rules)) return undefined
  const message = `the authorities changed in block ${parent.changedAt}, which is not final after its parent`
  return { code: 'authority-change-pending', message }
}

/**
 * The authorities after a block that was not executed, and that `checkChanges` let pass. If it is valid these are they; if
 * not, it is refused once it is executed, and all that builds on it with it.
 */
export function authoritiesAfter(before: readonly string[], { transactions }: Block): readonly string[] {
  const change = transactions.find(changesAuthorities)
  if (change === undefined) return before
  if (isOf(change, authorityRegister)) {
    const added = toHex(addressOf(change.body.authority.publicKey))
    return before.includes(added) || before.length >= MAX_AUTHORITIES ? before : [...before, added]
  }
  if (!isOf(change, authorityRevoke)) return before
  const revoked = toHex(change.body.revoked)
  const left = before.filter((address) => address !== revoked)
  // Without an authority nobody could be judged; the ledger refuses that anyway.
  return left.length === 0 || left.length === before.length ? before : left
}

/** Who was an authority after which block of the chain, from the newest final one on. */
export class AuthorityHistory {
  #newest: readonly string[]
  /** Blocks that changed the authorities, ascending, each with those before it. */
  #changes: { height: number; before: readonly string[] }[] = []

  constructor(newest: readonly string[]) {
    this.#newest = newest
  }

  after(height: number): readonly string[] {
    return this.#changes.find((change) => change.height > height)?.before ?? this.#newest
  }

  /** Takes down a change that led to those it has already: in ascending order, from what is stored. */
  restore(height: number, before: readonly string[]): void {
    this.#changes.push({ height, before })
  }

  /** Takes down a change by the block that becomes the tip. */
  push(height: number, after: readonly string[]): void {
    this.#changes.push({ height, before: this.#newest })
    this.#newest = after
  }

  /** Takes back what the block at `height`, which was the tip, changed. */
  revert(height: number): void {
    const last = this.#changes.at(-1)
    if (last?.height !== height) return
    this.#changes.pop()
    this.#newest = last.before
  }

  /** Nobody asks for what was before `height` any more. */
  forgetBelow(height: number): void {
    this.#changes = this.#changes.filter((change) => change.height > height)
  }
}

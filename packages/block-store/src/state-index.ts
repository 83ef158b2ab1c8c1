import { checkBytes, isSame } from './check-block.ts'
import { MAX_TERM_BYTES } from './constants.ts'
import type { StateChange, StateIndex } from './index.ts'
import type { Keys } from './keys.ts'
import type { BatchOperation } from './key-value-store.ts'
import { checkWhole } from './options.ts'
import { seal } from './records.ts'

/** The keys say all. */
const NOTHING = seal(new Uint8Array(0))

/** What makes the index that of the state after changes; nothing for an entry whose term stays. */
export function putIndex(keys: Keys, index: StateIndex | undefined, changes: readonly StateChange[]): BatchOperation[] {
  const operations: BatchOperation[] = []
  if (index === undefined) return operations
  for (const { key, before, after } of changes) {
    const from = before === undefined ? undefined : termOf(index, key, before)
    const to = after === undefined ? undefined : termOf(index, key, after)
    if (from !== undefined && to !== undefined && isSame(from, to)) continue
    if (from !== undefined) operations.push({ key: keys.index(from, key), value: undefined })
    if (to !== undefined) operations.push({ key: keys.index(to, key), value: NOTHING })
  }
  return operations
}

/** @throws {TypeError} @throws {RangeError} when the index gives no term */
export function termOf(index: StateIndex, key: Uint8Array, value: Uint8Array): Uint8Array | undefined {
  const term = index.termOf(key, value)
  if (term !== undefined) checkTerm(term)
  return term
}

/** @throws {TypeError} @throws {RangeError} */
export function checkTerm(term: Uint8Array): void {
  checkWhole('bytes of a term', checkBytes('term', term), 0, MAX_TERM_BYTES)
}

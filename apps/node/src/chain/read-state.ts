import { authorityList, type Change, type Entry, type Header, StateTree, toHex } from '@gridmesh/ledger'
import { StateMismatchError } from './errors.ts'

/** Entries that go into the tree at once. */
const TREE_BATCH = 4_096

/** A state as it was read: the tree over it, and whom it names. */
export interface ReadState {
  tree: StateTree
  /** Addresses of the authorities, hex. */
  authorities: readonly string[]
}

/**
 * Reads a whole state, entry by entry, and holds its root against that of the block that it is to be of.
 *
 * @throws {StateMismatchError} when it is another state @throws {MalformedError} when nobody can read the authorities
 */
export async function readState(entries: AsyncIterable<Entry>, header: Header): Promise<ReadState> {
  const tree = new StateTree()
  const listKey = Buffer.from(authorityList.key())
  let list: Uint8Array | undefined
  let batch: Change[] = []
  for await (const [key, after] of entries) {
    if (listKey.equals(key)) list = after
    batch.push({ key, before: undefined, after })
    if (batch.length < TREE_BATCH) continue
    tree.apply(batch)
    batch = []
  }
  tree.apply(batch)
  const [expected, received] = [toHex(header.stateRoot), toHex(tree.root)]
  if (expected !== received) throw new StateMismatchError(header.height, expected, received)
  return { tree, authorities: list === undefined ? [] : authorityList.parse(list).map(toHex) }
}

import type { BlockStore, CallOptions, StateIndex } from '@gridmesh/block-store'
import { type Output, type OutputId, outputs } from '@gridmesh/ledger'

/** Finds outputs by their owner. What it finds them by must not change under the same id. */
export const ownerIndex: StateIndex = {
  id: 'outputs-by-owner',
  termOf: (key, row) => (outputs.owns(key) ? outputs.parse(row).owner : undefined),
}

/** The outputs of an address in the order of their ids, all of one moment. */
export type OutputsOf = (
  owner: Uint8Array,
  options?: CallOptions,
) => AsyncGenerator<readonly [id: OutputId, output: Output], void, undefined>

/** Reads them by the index of a store, which has to be the one of owners. */
export function outputsIn(store: BlockStore): OutputsOf {
  return async function* (owner, options) {
    for await (const [key, row] of store.indexed(owner, options)) yield [key.subarray(1), outputs.parse(row)]
  }
}

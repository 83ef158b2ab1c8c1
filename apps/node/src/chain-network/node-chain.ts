import type { BlockSync } from '@gridmesh/block-sync'
import type { AddResult } from '@gridmesh/mempool'
import type { EnergyChain } from '../chain/energy-chain.ts'

/** The chain of a running node, as its HTTP API meets it. */
export interface NodeChain {
  /** Name of the chain, from the genesis file. */
  readonly name: string
  /** Names of the zones, each at its number. */
  readonly zones: readonly string[]
  readonly chain: EnergyChain
  readonly sync: Pick<BlockSync, 'addEventListener' | 'removeEventListener' | 'status'>
  /** Why the chain takes nothing any more, until the node starts anew; `undefined` while it is well. */
  readonly failure: Error | undefined
  /** Offers a transaction to the mempool, which passes it on to peers where it is taken. */
  submit(bytes: Uint8Array, options?: { signal?: AbortSignal }): Promise<AddResult>
}

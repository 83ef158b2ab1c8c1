import type { Metrics } from '@libp2p/interface'
import type { EnergyChain } from '../chain/energy-chain.ts'

/** Where the figures go. */
export type ChainMeters = Pick<Metrics, 'registerMetric' | 'registerCounter' | 'registerCounterGroup'>

/** Figures of a chain for Prometheus. Codes of refusals are few: those of ledger, consensus and sync. */
export class ChainMetrics {
  readonly #refused: (code: string) => void

  constructor(chain: EnergyChain, metrics: ChainMeters) {
    const gauge = (name: string, help: string, calculate: () => number): void =>
      metrics.registerMetric(`gridmesh_chain_${name}`, { help, calculate })
    gauge('height', 'Height of the best block', () => chain.head.height)
    gauge('finalised_height', 'Height of the newest final block', () => chain.finalised.height)
    let hasFailed = 0
    chain.addEventListener('chain:failed', () => (hasFailed = 1))
    gauge('failed', '1 where the chain has failed, and takes nothing until the node starts anew', () => hasFailed)
    gauge('mempool_transactions', 'Transactions that wait for a block', () => chain.mempool.stats().transactions)
    gauge('mempool_bytes', 'Bytes of those', () => chain.mempool.stats().bytes)
    const imported = metrics.registerCounter('gridmesh_chain_blocks_imported_total', {
      help: 'Blocks that came to the branch of the head',
    })
    const reorgs = metrics.registerCounter('gridmesh_chain_reorgs_total', {
      help: 'Times that the head left its branch for a better one',
    })
    const refused = metrics.registerCounterGroup('gridmesh_chain_blocks_refused_total', {
      label: 'code',
      help: 'Blocks that were refused, by code',
    })
    chain.addEventListener('chain:block', () => imported.increment())
    chain.addEventListener('chain:reorg', () => reorgs.increment())
    this.#refused = (code) => refused.increment({ [code]: 1 })
  }

  /** Counts a block that was refused. */
  refused(code: string): void {
    this.#refused(code)
  }
}

import type { SyncProgress } from '@gridmesh/block-sync'
import { addressOf, type Block, toHex } from '@gridmesh/ledger'
import type { SSEMessage } from '@fastify/sse'
import type { NodeChain } from '../../chain-network/node-chain.ts'
import type { ChainReorg } from '../../chain/events.ts'
import type { LedgerPoolTransaction } from '../../chain/pool-transaction.ts'
import { describeProgress } from './info.ts'

/** Pushes the events of a chain: `new_block`, `chain_reorg`, `new_transaction`, `sync_progress`. Returns the call that ends it. */
export function subscribeToChain({ chain, sync }: NodeChain, push: (message: SSEMessage) => void): () => void {
  const onBlock = ({ detail }: CustomEvent<Block>): void => push({ event: 'new_block', data: blockEvent(detail) })
  const onReorg = ({ detail }: CustomEvent<ChainReorg>): void =>
    push({ event: 'chain_reorg', data: reorgEvent(detail) })
  const onTransaction = ({ detail }: CustomEvent<{ transaction: LedgerPoolTransaction }>): void =>
    push({ event: 'new_transaction', data: transactionEvent(detail.transaction) })
  const onProgress = ({ detail }: CustomEvent<SyncProgress>): void =>
    push({ event: 'sync_progress', data: describeProgress(detail) })
  chain.addEventListener('chain:block', onBlock)
  chain.addEventListener('chain:reorg', onReorg)
  chain.mempool.addEventListener('transaction:added', onTransaction)
  sync.addEventListener('sync:progress', onProgress)
  return () => {
    chain.removeEventListener('chain:block', onBlock)
    chain.removeEventListener('chain:reorg', onReorg)
    chain.mempool.removeEventListener('transaction:added', onTransaction)
    sync.removeEventListener('sync:progress', onProgress)
  }
}

function blockEvent({ header, transactions }: Block): object {
  const { height, hash, parent, timeMs, kind, proposer } = header
  return {
    height,
    hash: toHex(hash),
    parent: toHex(parent),
    time_ms: timeMs,
    kind,
    proposer: toHex(addressOf(proposer)),
    transactions: transactions.length,
  }
}

function reorgEvent({ from, to, ancestor, reverted, applied }: ChainReorg): object {
  return { from, to, ancestor, reverted: reverted.length, applied: applied.length }
}

function transactionEvent({ id, sender, transaction: { kind, bytes } }: LedgerPoolTransaction): object {
  return { id, kind, sender, size: bytes.byteLength }
}

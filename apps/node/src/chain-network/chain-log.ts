import type { Logger } from '@libp2p/interface'
import type { NodeChain } from './node-chain.ts'

/** Writes down what an operator has to know of a chain. */
export function tellChain(log: Logger, { chain, sync }: Pick<NodeChain, 'chain' | 'sync'>): void {
  chain.addEventListener('chain:reorg', ({ detail: { from, to, ancestor } }) => {
    log('left block %d %s for %d %s, upon %d', from.height, from.hash, to.height, to.hash, ancestor.height)
  })
  chain.addEventListener('chain:stuck', ({ detail: { code, message } }) => {
    log.error('there is a better branch that cannot be gone to: %s: %s', code, message)
  })
  chain.mempool.addEventListener('mempool:log-failed', ({ detail: { message } }) =>
    log.error('the mempool: %s', message),
  )
  chain.engine.addEventListener('consensus:equivocation', ({ detail: { proposer, height } }) => {
    log.error('authority %s signed two blocks at height %d', proposer, height)
  })
  chain.engine.addEventListener('consensus:fault', ({ detail: { during, error } }) => {
    log.error('consensus could not %s: %e', during, error)
  })
  sync.addEventListener('sync:done', ({ detail: { tip, imported } }) => {
    if (imported > 0) log('caught up with %d blocks, at %d', imported, tip.height)
  })
  sync.addEventListener('sync:failed', ({ detail: { code, message } }) => {
    if (code !== 'stopped') log('could not catch up: %s: %s', code, message)
  })
  sync.addEventListener('sync:history-failed', ({ detail: { code, message } }) => {
    log('could not fetch all blocks before the checkpoint: %s: %s', code, message)
  })
  sync.addEventListener('sync:peer', ({ detail }) => {
    if (detail.notice === 'reported') log('%s lied: %s: %s', detail.peer, detail.offence, detail.message)
  })
}

import type { PoolUsage } from './index.ts'
import { reservedSlots } from './options.ts'
import type { PoolState } from './pool-state.ts'

/** How much of each limit is used. Reserved slots count peers, all others connections. */
export function usageOf({ ledger, options }: PoolState): PoolUsage {
  const owners = new Set(ledger.holders('reserved').map(({ key }) => key))
  return {
    inbound: { used: ledger.used('inbound'), limit: options.maxInbound },
    outbound: { used: ledger.used('outbound'), limit: options.maxOutbound },
    reserved: { used: owners.size, limit: reservedSlots(options) },
    probe: { used: ledger.used('probe'), limit: options.maxProbes },
    'turned-away': { used: ledger.used('turned-away'), limit: options.maxTurnAways },
    pending: { used: ledger.pending(), limit: options.maxPending },
  }
}

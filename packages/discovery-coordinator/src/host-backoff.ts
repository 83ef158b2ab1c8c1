import type { Multiaddr } from '@multiformats/multiaddr'
import { type BackoffInit, BackoffTable } from './backoff-table.ts'
import type { PooledCandidate } from './candidate-pool.ts'
import { hostKey } from './host-key.ts'

/**
 * Waits per host, beside those per peer: whoever tells of one machine under many peer ids, or at many ports, has it
 * dialled no more often than one peer. Peers of the configuration are left out, since nobody can add to them.
 */
export class HostBackoff {
  readonly #table: BackoffTable

  constructor(init: BackoffInit) {
    this.#table = new BackoffTable(init)
  }

  /** The candidate with those of its addresses that may be dialled now; `undefined` while there are none. */
  free(candidate: PooledCandidate): PooledCandidate | undefined {
    const { addresses, hosts, configured } = candidate
    // One without addresses is looked up by its id.
    if (configured.length > 0 || addresses.length === 0) return candidate
    const isFree = hosts.map((host) => this.#table.isOver(host))
    if (!isFree.includes(true)) return undefined
    const pick = <T>(list: readonly T[]): T[] => list.filter((_, index) => isFree[index])
    return { ...candidate, addresses: pick(addresses), hosts: pick(hosts) }
  }

  /** Notes that the candidate is dialled at all its addresses, whatever comes of it. */
  attempt({ hosts, configured }: PooledCandidate): void {
    if (configured.length > 0) return
    for (const host of new Set(hosts)) this.#table.attempt(host)
  }

  /** The candidate answered: the next wait of that host begins anew, and of no other that the dial was to try. */
  reached({ hosts }: PooledCandidate, at: Multiaddr): void {
    const host = hostKey(at)
    const names = new Set(hosts.filter((one) => one.startsWith('dns/')))
    // A name may have been resolved; of several nobody knows which it was.
    const [name = host] = names.size === 1 ? names : []
    this.#table.forget(hosts.includes(host) ? host : name)
  }
}

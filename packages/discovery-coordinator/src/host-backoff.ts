import type { Multiaddr } from '@multiformats/multiaddr'
import { type BackoffInit, BackoffTable } from './backoff-table.ts'
import type { PooledCandidate } from './candidate-pool.ts'
import type { Way } from './dialler.ts'
import { hostKey } from './host-key.ts'

/**
 * Waits per host, beside those per peer: whoever tells of one machine under many peer ids, or at many ports, has it
 * dialled no more often than one peer. Each teller has waits of its own, so that nobody can keep a node from a machine of
 * which others tell. Hosts that nobody's word is needed for are left out.
 */
export class HostBackoff {
  readonly #table: BackoffTable

  constructor(init: BackoffInit) {
    this.#table = new BackoffTable(init)
  }

  /** Whether the candidate may be dialled at any of its hosts now. One without addresses is looked up by its id. */
  isFree(candidate: PooledCandidate): boolean {
    const hosts = [...candidate.hosts.keys()]
    return hosts.length === 0 || hosts.some((host) => this.#isOver(candidate, host))
  }

  /**
   * The candidate at one of its hosts after the other. Each is noted as it comes up, whatever becomes of it, and those
   * that are waited for by then are passed over: the hosts after the one that answers are not dialled, and not noted.
   */
  *turns(candidate: PooledCandidate): Generator<PooledCandidate & Way> {
    if (candidate.hosts.size === 0) yield candidate
    const hosts = [...candidate.hosts]
    for (const [index, [host, addresses]] of hosts.entries()) {
      if (!this.#isOver(candidate, host)) continue
      const key = candidate.proven.has(host) ? undefined : this.#free(candidate, host)
      if (key !== undefined) this.#table.attempt(key)
      const hasNext = hosts.slice(index + 1).some(([next]) => this.#isOver(candidate, next))
      yield { ...candidate, addresses, hasNext }
    }
  }

  /** The candidate answered: the next wait of that host begins anew, for all who told of the candidate there. */
  reached(candidate: PooledCandidate, at: Multiaddr): void {
    const host = hostKey(at)
    const names = [...candidate.hosts.keys()].filter((one) => one.startsWith('dns/'))
    // A name may have been resolved; of several nobody knows which it was.
    const [name = host] = names.length === 1 ? names : []
    for (const key of keysOf(candidate, candidate.hosts.has(host) ? host : name)) this.#table.forget(key)
  }

  #isOver(candidate: PooledCandidate, host: string): boolean {
    return candidate.proven.has(host) || this.#free(candidate, host) !== undefined
  }

  /** The wait for the host, of one who told of the candidate, that is over. */
  #free(candidate: PooledCandidate, host: string): string | undefined {
    return keysOf(candidate, host).find((key) => this.#table.isOver(key))
  }
}

function keysOf({ tellers }: PooledCandidate, host: string): string[] {
  return tellers.map((teller) => `${teller} ${host}`)
}

import { optional, type DiscoveryNeed } from '@gridmesh/interfaces'
import type { Logger } from '@libp2p/interface'
import type { Census } from './census.ts'
import type { DiscoveryComponents } from './index.ts'

/** Where needs come from. */
export interface NeedsInit {
  targetPeers: number
  minOutbound: number
  needs: () => readonly DiscoveryNeed[]
}

/** What is missing at the moment. */
export interface Shortage {
  /** Peers to the target, or outbound ones to their minimum if more; those that may yet become ready count as there. */
  peers: number
  /** Peers of certain sorts, in all. */
  specific: number
  /** As strategies are asked: each entry with how many more. */
  need: DiscoveryNeed[]
}

/** Compares what is wanted with who is there. */
export class Needs {
  readonly #init: NeedsInit
  readonly #components: Pick<DiscoveryComponents, 'topology'>
  readonly #census: Census
  readonly #log: Logger

  constructor(init: NeedsInit, components: Pick<DiscoveryComponents, 'topology'>, census: Census, log: Logger) {
    this.#init = init
    this.#components = components
    this.#census = census
    this.#log = log
  }

  shortage(): Shortage {
    const { targetPeers, minOutbound } = this.#init
    const toTarget = targetPeers - this.#census.ready() - this.#census.pending()
    const toOutbound = minOutbound - this.#census.outbound() - this.#census.pending('outbound')
    const peers = Math.max(0, toTarget, toOutbound)
    const specific = this.#specific()
    return {
      peers,
      specific: specific.reduce((sum, { count }) => sum + count, 0),
      need: peers > 0 ? [{ count: peers }, ...specific] : specific,
    }
  }

  /** What is wanted in all is compared; what the topology misses is missing by its own count. */
  #specific(): DiscoveryNeed[] {
    const needs: DiscoveryNeed[] = []
    try {
      for (const need of this.#init.needs()) {
        const { count, ...query } = need
        needs.push(Object.assign(query, { count: count - this.#census.matching(query) }))
      }
      for (const query of optional(this.#components, 'topology')?.needs() ?? []) {
        const { limit: count = 1, ...rest } = query
        needs.push(Object.assign(rest, { count }))
      }
    } catch (err) {
      // To look for peers of any sort matters more.
      this.#log.error('could not tell which peers are needed - %e', err)
    }
    return needs.filter(({ count }) => count > 0)
  }
}

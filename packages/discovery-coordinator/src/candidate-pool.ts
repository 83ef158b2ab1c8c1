import type { Candidate } from '@gridmesh/interfaces'
import { circuitRelayAddressesLast, loopbackAddressLast, publicAddressesFirst } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { leadsTo, mergeAddresses, nameOf } from './book-entry.ts'
import { MAX_TELLERS } from './constants.ts'
import { hostKey } from './host-key.ts'
import { networkGroup } from './network-group.ts'
import { latestOf, type SignedAddresses } from './signed-addresses.ts'
import type { SourcedCandidate, Strategy } from './strategy.ts'

/** A candidate in the pool. */
export interface PooledCandidate extends Candidate {
  /** Peer id string. */
  readonly key: string
  /** Strategy that found it first. */
  readonly strategy: string
  /** Who told of it first: a network group, or the strategy where no peer did. */
  readonly source: string
  /** All who told of it, the latest first. */
  readonly tellers: readonly string[]
  /** Network group of its first address. */
  readonly group: string
  /** A fallback named it. */
  readonly isFallback: boolean
  /** Its addresses by host, in the order in which to dial them. */
  readonly hosts: ReadonlyMap<string, readonly Multiaddr[]>
  /** Those of its addresses that are in the configuration. */
  readonly configured: readonly Multiaddr[]
  /** Where we reached it the last time. */
  readonly reached?: Multiaddr
  /** The hosts of those. */
  readonly proven: ReadonlySet<string>
  /** The latest record that it signed. */
  readonly record?: SignedAddresses
}

/** What the pool asks of a strategy that found a candidate. */
type Teller = Pick<Strategy, 'name' | 'isFallback' | 'isConfigured'>

/** Limits of the pool. */
export interface PoolInit {
  maxCandidates: number
  maxAddresses: number
}

/**
 * The candidates of all strategies, a bounded set. A full set loses a random one of the source that has most, so that
 * whoever floods it evicts its own.
 */
export class CandidatePool {
  readonly #init: PoolInit
  readonly #held = new Map<string, PooledCandidate>()
  readonly #bySource = new Map<string, number>()

  constructor(init: PoolInit) {
    this.#init = init
  }

  get size(): number {
    return this.#held.size
  }

  get(key: string): PooledCandidate | undefined {
    return this.#held.get(key)
  }

  /** A copy, in the order in which they came. */
  list(): PooledCandidate[] {
    return [...this.#held.values()]
  }

  /** Adds a candidate, or what is new of it to what is held. Returns whether it is new. */
  put(candidate: SourcedCandidate, strategy: Teller): boolean {
    const key = candidate.id.toString()
    const known = this.#held.get(key)
    const pooled = this.#pooled(candidate, strategy, known)
    if (known === undefined) this.#add(pooled)
    else this.#held.set(key, pooled)
    return known === undefined
  }

  /** Takes in what a peer said of itself. */
  learn(key: string, names: Pick<Candidate, 'role' | 'region'>): void {
    const known = this.#held.get(key)
    if (known !== undefined) this.#held.set(key, { ...known, ...nameOf(names) })
  }

  delete(key: string): void {
    const held = this.#held.get(key)
    if (held === undefined) return
    this.#held.delete(key)
    const left = (this.#bySource.get(held.source) ?? 1) - 1
    if (left > 0) this.#bySource.set(held.source, left)
    else this.#bySource.delete(held.source)
  }

  clear(): void {
    this.#held.clear()
    this.#bySource.clear()
  }

  #pooled(candidate: SourcedCandidate, strategy: Teller, known: PooledCandidate | undefined): PooledCandidate {
    const { name, isFallback = false, isConfigured = isFallback } = strategy
    const { maxAddresses } = this.#init
    const configured = mergeAddresses(known?.configured ?? [], isConfigured ? candidate.addresses : [], maxAddresses)
    const record = latestOf(known?.record, candidate.record, maxAddresses)
    const reached = candidate.reached ?? known?.reached
    const proven = [...configured, ...(reached === undefined ? [] : [reached])]
    // What is in the configuration, where it was reached, and what the peer signed, is not displaced by what somebody says.
    const sure = [...proven, ...(record?.addresses ?? [])]
    const said = [...(known?.addresses ?? []), ...candidate.addresses]
    const key = candidate.id.toString()
    const addresses = mergeAddresses(sure, said, maxAddresses).filter((address) => leadsTo(address, key))
    const [address] = addresses
    const teller = candidate.source === undefined ? `strategy/${name}` : networkGroup(candidate.source)
    const others = known?.tellers.filter((one) => one !== teller) ?? []
    return {
      ...nameOf(known ?? {}),
      ...nameOf(candidate),
      id: candidate.id,
      key,
      addresses,
      hosts: Map.groupBy(addresses.toSorted(dialOrder), hostKey),
      configured,
      ...(reached !== undefined && { reached }),
      proven: new Set(proven.map(hostKey)),
      ...(record !== undefined && { record }),
      group: address === undefined ? 'none' : networkGroup(address),
      strategy: known?.strategy ?? name,
      source: known?.source ?? teller,
      tellers: [teller, ...others].slice(0, MAX_TELLERS),
      isFallback: isFallback || (known?.isFallback ?? false),
    }
  }

  #add(pooled: PooledCandidate): void {
    if (this.#held.size >= this.#init.maxCandidates) this.#evict()
    this.#held.set(pooled.key, pooled)
    this.#bySource.set(pooled.source, (this.#bySource.get(pooled.source) ?? 0) + 1)
  }

  #evict(): void {
    let largest: [string, number] = ['', 0]
    for (const entry of this.#bySource) {
      if (entry[1] > largest[1]) largest = entry
    }
    const all = this.list()
    const ofLargest = all.filter(({ source, isFallback }) => source === largest[0] && !isFallback)
    const loser = pick(ofLargest) ?? pick(all.filter(({ isFallback }) => !isFallback)) ?? pick(all)
    if (loser !== undefined) this.delete(loser.key)
  }
}

/** As libp2p sorts them. */
function dialOrder(a: Multiaddr, b: Multiaddr): number {
  return loopbackAddressLast(a, b) || publicAddressesFirst(a, b) || circuitRelayAddressesLast(a, b)
}

function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)]
}

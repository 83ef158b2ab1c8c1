import type { Candidate, DiscoveryNeed } from '@gridmesh/interfaces'
import { type BookEntry, fits, isHopeless, isSpecific, isStale, mergeAddresses, nameOf } from './book-entry.ts'
import type { BookPlaces } from './book-places.ts'
import { BookTable, shuffle } from './book-table.ts'
import { MAX_CONTESTS, RECENT_SUCCESS_MS } from './constants.ts'
import { Contests } from './contests.ts'
import { networkGroup } from './network-group.ts'
import { latestOf } from './signed-addresses.ts'
import { isSet, readBack } from './stored-time.ts'
import type { SourcedCandidate } from './strategy.ts'

/**
 * The peers known from earlier, in two tables: `new`, heard of, and `tried`, reached by us. Each peer has one place, and
 * a place holds one peer: what is full is not overrun. A reached peer whose place in the tried table is taken contests
 * it: the holder is tested, and only a holder that fails makes room.
 */
export class AddressBook {
  readonly #places: BookPlaces
  readonly #maxAddresses: number
  readonly #entries = new Map<string, BookEntry>()
  readonly #tables = { new: new BookTable(), tried: new BookTable() }
  readonly #contests = new Contests(MAX_CONTESTS)
  readonly #changed = new Set<string>()

  constructor(places: BookPlaces, maxAddresses: number) {
    this.#places = places
    this.#maxAddresses = maxAddresses
  }

  /** How many peers each table holds. */
  get counts(): { new: number; tried: number } {
    return { new: this.#tables.new.size, tried: this.#tables.tried.size }
  }

  get(peer: string): BookEntry | undefined {
    return this.#entries.get(peer)
  }

  /** A copy of all entries. */
  entries(): BookEntry[] {
    return [...this.#entries.values()]
  }

  /** Takes in a peer that was heard of from `sourceGroup`. Returns `false` if its place is taken. */
  add(candidate: SourcedCandidate, sourceGroup: string): boolean {
    const { id } = candidate
    const known = this.#entries.get(id.toString())
    if (known !== undefined) {
      const next = this.#learnt(known, candidate)
      if (!isSame(next, known)) this.#set(next)
      return true
    }
    const fresh = { failures: 0, addedMs: Date.now(), reachedMs: 0, addresses: [] }
    const entry = this.#learnt({ id, table: 'new', group: sourceGroup, ...fresh }, candidate)
    return entry.addresses.length > 0 && this.#putNew(entry)
  }

  /** We reached the peer; the first of its addresses is where. */
  succeeded(candidate: Candidate): void {
    const [address] = mergeAddresses(candidate.addresses, [], 1)
    if (address === undefined) return
    const group = networkGroup(address)
    // A peer that is not known is heard of now, so that it has a place to wait in if its own is contested.
    this.add(candidate, group)
    const known = this.#entries.get(candidate.id.toString())
    const sure = [address, ...(known?.record?.addresses ?? [])]
    const addresses = mergeAddresses(sure, known?.addresses ?? [], this.#maxAddresses)
    const reached = { addresses, failures: 0, reachedMs: Date.now(), ...nameOf(candidate) }
    if (known?.table === 'tried') {
      // It has proved itself, so whoever challenged it does not get its place.
      this.#contests.settle(this.#placeOf(known))
      this.#set({ ...known, ...reached })
      return
    }
    const addedMs = known?.addedMs ?? Date.now()
    this.#claim({ ...known, id: candidate.id, addedMs, ...reached, table: 'tried', group }, known)
  }

  /** A dial to the peer failed. */
  failed(peer: string): void {
    const known = this.#entries.get(peer)
    if (known === undefined) return
    const entry = { ...known, failures: known.failures + 1 }
    this.#set(entry)
    if (entry.table === 'tried') this.#demoteIfLost(entry)
    else if (isHopeless(entry)) this.#remove(peer)
  }

  /** The peer to test: who holds a contested place, in turn, or else one of the new table, the least failed of a few. */
  feeler(): BookEntry | undefined {
    const place = this.#contests.next()
    const holder = place === undefined ? undefined : this.#tables.tried.at(place)
    if (holder !== undefined) return this.#entries.get(holder)
    const some = this.#entriesOf(this.#tables.new.shuffled().slice(0, 8))
    return some.toSorted((a, b) => a.failures - b.failures)[0]
  }

  /** Peers worth a dial: those that fit a need first, and as many of either table as there are. */
  select(need: readonly DiscoveryNeed[], limit: number): BookEntry[] {
    const tried = this.#entriesOf(this.#tables.tried.shuffled())
    const untried = this.#entriesOf(this.#tables.new.shuffled())
    const specific = need.filter(isSpecific)
    const isNeeded = (entry: BookEntry): boolean => specific.some((one) => fits(one, entry) === 'yes')
    const chosen = new Set([...tried, ...untried].filter(isNeeded).slice(0, Math.ceil(limit / 2)))
    for (let at = 0; chosen.size < limit && at < Math.max(tried.length, untried.length); at++) {
      for (const entry of shuffle([tried[at], untried[at]].filter((one) => one !== undefined))) {
        if (chosen.size < limit) chosen.add(entry)
      }
    }
    return [...chosen]
  }

  /** Puts back what was stored. Returns `false` if there is no place for it. */
  restore(entry: BookEntry): boolean {
    if (this.#entries.has(entry.id.toString())) return false
    if (entry.table === 'new' || this.#holderOf(entry) !== undefined) return this.#putNew({ ...entry, table: 'new' })
    this.#put(entry)
    return true
  }

  /**
   * Takes back the times of entries that lie too far ahead of a clock that is set: they were read before it was, or noted
   * while it was wrong.
   */
  checkTimes(): void {
    const nowMs = Date.now()
    if (!isSet(nowMs)) return
    for (const entry of this.entries()) {
      const times = { addedMs: readBack(entry.addedMs, nowMs), reachedMs: readBack(entry.reachedMs, nowMs) }
      if (times.addedMs !== entry.addedMs || times.reachedMs !== entry.reachedMs) this.#set({ ...entry, ...times })
    }
  }

  /** The peers whose entries were changed or removed since the last call. */
  takeChanged(): string[] {
    const changed = [...this.#changed]
    this.#changed.clear()
    return changed
  }

  /** Has these peers be named again by the next `takeChanged`. */
  markChanged(peers: readonly string[]): void {
    for (const peer of peers) this.#changed.add(peer)
  }

  #learnt(known: BookEntry, candidate: SourcedCandidate): BookEntry {
    const record = latestOf(known.record, candidate.record, this.#maxAddresses)
    // Where a peer was reached, and what it signed, is not displaced by what is merely said.
    const reached = known.reachedMs > 0 ? known.addresses.slice(0, 1) : []
    const sure = [...reached, ...(record?.addresses ?? [])]
    const addresses = mergeAddresses(sure, [...candidate.addresses, ...known.addresses], this.#maxAddresses)
    return { ...known, addresses, ...(record !== undefined && { record }), ...nameOf(candidate) }
  }

  #putNew(entry: BookEntry): boolean {
    const holder = this.#holderOf(entry)
    if (holder !== undefined && !isStale(holder, Date.now())) return false
    if (holder !== undefined) this.#remove(holder.id.toString())
    this.#put(entry)
    return true
  }

  /** Puts a reached peer in its place in the tried table, or has it wait for the test of who holds that. */
  #claim(entry: BookEntry, known: BookEntry | undefined): void {
    const holder = this.#holderOf(entry)
    if (holder === undefined) {
      this.#remove(entry.id.toString())
      this.#put(entry)
    } else if (known !== undefined) {
      this.#set({ ...entry, table: 'new', group: known.group })
      const isSafe = Date.now() - holder.reachedMs < RECENT_SUCCESS_MS
      if (!isSafe) this.#contests.open(this.#placeOf(entry), entry.id.toString())
    }
  }

  /** A tried peer that failed loses its place to a challenger, or without one if it failed too often. */
  #demoteIfLost(entry: BookEntry): void {
    const challenger = this.#entries.get(this.#contests.settle(this.#placeOf(entry)) ?? '')
    if (challenger === undefined && !isHopeless(entry)) return
    this.#remove(entry.id.toString())
    if (challenger !== undefined) this.#promote(challenger, entry.group)
    if (!isHopeless(entry)) this.#putNew({ ...entry, table: 'new' })
  }

  #promote(challenger: BookEntry, fallback: string): void {
    const [reached] = challenger.addresses
    const group = reached === undefined ? fallback : networkGroup(reached)
    const promoted: BookEntry = { ...challenger, table: 'tried', group }
    // Reached elsewhere in the meantime, it has a claim to another place, which somebody may hold.
    if (this.#holderOf(promoted) !== undefined) return
    this.#remove(challenger.id.toString())
    this.#put(promoted)
  }

  #put(entry: BookEntry): void {
    this.#tables[entry.table].put(this.#placeOf(entry), entry.id.toString())
    this.#set(entry)
  }

  #set(entry: BookEntry): void {
    this.#entries.set(entry.id.toString(), entry)
    this.#changed.add(entry.id.toString())
  }

  #remove(peer: string): void {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    this.#tables[entry.table].clear(this.#placeOf(entry))
    this.#contests.withdraw(peer)
    this.#entries.delete(peer)
    this.#changed.add(peer)
  }

  #holderOf(entry: BookEntry): BookEntry | undefined {
    return this.#entries.get(this.#tables[entry.table].at(this.#placeOf(entry)) ?? '')
  }

  #placeOf({ id, table, group }: BookEntry): number {
    return table === 'new' ? this.#places.inNew(id.toString(), group) : this.#places.inTried(id.toString(), group)
  }

  #entriesOf(peers: readonly string[]): BookEntry[] {
    return peers.map((peer) => this.#entries.get(peer)).filter((entry) => entry !== undefined)
  }
}

function isSame(a: BookEntry, b: BookEntry): boolean {
  const isNamed = a.role === b.role && a.region === b.region
  return isNamed && a.record?.seq === b.record?.seq && isEqual(a.addresses, b.addresses)
}

function isEqual(a: readonly { toString(): string }[], b: readonly { toString(): string }[]): boolean {
  return a.length === b.length && a.every((one, at) => one.toString() === b[at]?.toString())
}

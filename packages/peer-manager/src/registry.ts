import type { PeerState } from '@gridmesh/interfaces'
import { Map as ImmutableMap } from 'immutable'
import { IllegalTransitionError, UnknownPeerError } from './errors.ts'
import { changeRecord, type ManagedPeer, type RemovableField } from './record.ts'
import { canMove, PEER_STATES } from './transitions.ts'

/**
 * The registry: an immutable map of frozen records, with one writer. A reader keeps the root it was given and sees no
 * later change. Peers are also indexed by state, so that counts and the ready ones cost no walk over all.
 */
export class PeerRegistry {
  #root: ImmutableMap<string, ManagedPeer> = ImmutableMap()
  readonly #byState: Record<PeerState, Set<string>> = {
    known: new Set(),
    connecting: new Set(),
    connected: new Set(),
    ready: new Set(),
    draining: new Set(),
    banned: new Set(),
  }

  /** The records as they are now, for ever. */
  get snapshot(): ImmutableMap<string, ManagedPeer> {
    return this.#root
  }

  get size(): number {
    return this.#root.size
  }

  get(key: string): ManagedPeer | undefined {
    return this.#root.get(key)
  }

  has(key: string): boolean {
    return this.#root.has(key)
  }

  /** Adds a peer, in whatever state its record has, or replaces it. */
  put(record: ManagedPeer): void {
    const key = record.id.toString()
    this.remove(key)
    this.#byState[record.state].add(key)
    this.#root = this.#root.set(key, record)
  }

  /** Changes a record in all but its state. @throws {UnknownPeerError} for a peer that is not held */
  update(
    key: string,
    changes: Omit<Partial<ManagedPeer>, 'state' | 'id'>,
    removed?: readonly RemovableField[],
  ): ManagedPeer {
    const next = changeRecord(this.#demand(key), changes, removed)
    this.#root = this.#root.set(key, next)
    return next
  }

  /**
   * Moves a peer to another state.
   * @throws {IllegalTransitionError} when the transition table does not have the move; nothing is changed then
   * @throws {UnknownPeerError} for a peer that is not held
   */
  move(
    key: string,
    to: PeerState,
    changes: Omit<Partial<ManagedPeer>, 'state' | 'id'> = {},
    removed?: readonly RemovableField[],
  ): ManagedPeer {
    const record = this.#demand(key)
    if (!canMove(record.state, to)) throw new IllegalTransitionError(key, record.state, to)
    const next = changeRecord(record, { ...changes, state: to }, removed)
    this.#byState[record.state].delete(key)
    this.#byState[to].add(key)
    this.#root = this.#root.set(key, next)
    return next
  }

  /** Forgets a peer. Returns whether it was held. */
  remove(key: string): boolean {
    const record = this.#root.get(key)
    if (record === undefined) return false
    this.#byState[record.state].delete(key)
    this.#root = this.#root.delete(key)
    return true
  }

  /** How many peers stand where. */
  counts(): Record<PeerState, number> {
    const counts = { known: 0, connecting: 0, connected: 0, ready: 0, draining: 0, banned: 0 }
    for (const state of PEER_STATES) counts[state] = this.#byState[state].size
    return counts
  }

  /** The peers in any of `states`; a copy, so that they may be moved while it is walked. */
  inStates(...states: readonly PeerState[]): ManagedPeer[] {
    return states.flatMap((state) => Array.from(this.#byState[state], (key) => this.#demand(key)))
  }

  #demand(key: string): ManagedPeer {
    const record = this.#root.get(key)
    if (record === undefined) throw new UnknownPeerError(key)
    return record
  }
}

import { optional, type PeerRecord } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { ReconnectionComponents, ReconnectionInit } from './index.ts'

/** An important peer, and the addresses that the configuration gives for it. */
export interface WantedPeer {
  readonly id: PeerId
  readonly addresses: Multiaddr[]
}

/** Reads the peers that are important by name. @throws {TypeError} for what is no peer id, or an address without one */
export function readWanted({ important = [], bootstrap = [] }: ReconnectionInit): Map<string, WantedPeer> {
  const wanted = new Map<string, WantedPeer>()
  const want = (id: PeerId): WantedPeer => {
    const known = wanted.get(id.toString()) ?? { id, addresses: [] }
    wanted.set(id.toString(), known)
    return known
  }
  for (const id of typeof important === 'function' ? [] : important) want(readPeerId(id))
  for (const text of bootstrap) {
    const address = readAddress(text)
    want(targetOf(address)).addresses.push(address)
  }
  return wanted
}

/** Says who is important: peers by name, and those whose record the operator's own rule picks. */
export class Importance {
  readonly #wanted: ReadonlyMap<string, WantedPeer>
  readonly #isImportant: ((record: PeerRecord) => boolean) | undefined
  readonly #components: ReconnectionComponents
  readonly #log: Logger

  constructor(
    init: ReconnectionInit,
    wanted: ReadonlyMap<string, WantedPeer>,
    components: ReconnectionComponents,
    log: Logger,
  ) {
    this.#wanted = wanted
    this.#isImportant = typeof init.important === 'function' ? init.important : undefined
    this.#components = components
    this.#log = log
  }

  /** Whether `peer` is important now: a record changes, and so may the answer. */
  of(peer: PeerId): boolean {
    if (this.#wanted.has(peer.toString())) return true
    if (this.#isImportant === undefined) return false
    const record = optional(this.#components, 'peerManager')?.get(peer)
    return record !== undefined && this.#judge(record)
  }

  /** Everybody who is important and known by now, ourselves excepted. */
  all(): PeerId[] {
    const records = this.#isImportant === undefined ? [] : this.#records()
    const picked = records.filter((record) => this.#judge(record)).map(({ id }) => id)
    const everybody = [...[...this.#wanted.values()].map(({ id }) => id), ...picked]
    const peers = new Map(everybody.map((id) => [id.toString(), id]))
    peers.delete(this.#components.peerId.toString())
    return [...peers.values()]
  }

  #records(): PeerRecord[] {
    return [...(optional(this.#components, 'peerManager')?.peers.values() ?? [])]
  }

  // The rule is not ours: what it throws must not cost anything.
  #judge(record: PeerRecord): boolean {
    try {
      return this.#isImportant?.(record) === true
    } catch (err) {
      this.#log.error('could not tell whether %p is important - %e', record.id, err)
      return false
    }
  }
}

function readPeerId(id: PeerId | string): PeerId {
  if (typeof id !== 'string') return id
  try {
    return peerIdFromString(id)
  } catch (cause) {
    throw new TypeError(`important "${id}" is no peer id`, { cause })
  }
}

function readAddress(address: Multiaddr | string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (cause) {
    throw new TypeError(`bootstrap "${String(address)}" is no multiaddr`, { cause })
  }
}

function targetOf(address: Multiaddr): PeerId {
  const last = address.getComponents().at(-1)
  // Only the end counts: before it may stand the id of a relay.
  if (last?.name !== 'p2p' || last.value === undefined) {
    throw new TypeError(`bootstrap "${address.toString()}" must end in /p2p/ and a peer id`)
  }
  return peerIdFromString(last.value)
}

import { optional, type Handshake, type Hello, type PeerManager, type PeerRecord } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { IdleWatch } from './idle.ts'
import type { PeerView, Standing } from './peer-view.ts'

/** Who is asked about peers. */
export interface ViewComponents {
  peerId: PeerId
  peerManager?: PeerManager
  handshake?: Handshake
}

/** What the siblings know of peers; where one is absent, peers are strangers to it. */
export class SiblingView implements PeerView {
  readonly #components: ViewComponents
  readonly #usefulAtMs = new Map<string, number>()
  readonly #idle = new IdleWatch()

  constructor(components: ViewComponents) {
    this.#components = components
  }

  get hasHandshake(): boolean {
    return optional(this.#components, 'handshake') !== undefined
  }

  get hearsOfReady(): boolean {
    return this.hasHandshake && optional(this.#components, 'peerManager') !== undefined
  }

  isSelf(peer: PeerId): boolean {
    return this.#components.peerId.equals(peer)
  }

  isLesserThan(peer: PeerId): boolean {
    return this.#components.peerId.toString() < peer.toString()
  }

  bannedUntilMs(peer: PeerId): number | undefined {
    const manager = optional(this.#components, 'peerManager')
    return manager?.isBanned(peer) === true ? (manager.get(peer)?.bannedUntilMs ?? Date.now()) : undefined
  }

  standing(peer: PeerId): Standing {
    const manager = optional(this.#components, 'peerManager')
    const record = manager?.get(peer)
    const hello = this.#hello(peer) ?? record?.hello
    const key = peer.toString()
    return {
      reputation: manager?.reputation(peer) ?? 0,
      latencyMs: record?.latencyMs,
      usefulAtMs: this.#usefulAtMs.get(key),
      silentSinceMs: record && this.#idle.silentSinceMs(key, messagesOf(record)),
      role: hello?.role,
      region: hello?.region,
    }
  }

  /** The role that a peer said it has, in the handshake of a connection that is open now. */
  saidRole(peer: PeerId): string | undefined {
    const record = optional(this.#components, 'peerManager')?.get(peer)
    return (this.#hello(peer) ?? (record?.state === 'ready' ? record.hello : undefined))?.role
  }

  /** Looks whether any message came or went since the last look; where nobody counts them, nobody is silent. */
  watch(peer: PeerId, openedAtMs: number): void {
    const record = optional(this.#components, 'peerManager')?.get(peer)
    if (record !== undefined) this.#idle.look(peer.toString(), messagesOf(record), openedAtMs, performance.now())
  }

  /** Notes that a peer brought something new and valid. */
  noteUseful(peer: PeerId): void {
    this.#usefulAtMs.set(peer.toString(), performance.now())
  }

  /** Forgets of what use peers were and what was seen of them, but for these. */
  retain(isHeld: (key: string) => boolean): void {
    this.#idle.retain(isHeld)
    for (const key of this.#usefulAtMs.keys()) if (!isHeld(key)) this.#usefulAtMs.delete(key)
  }

  #hello(peer: PeerId): Hello | undefined {
    return optional(this.#components, 'handshake')?.get(peer)
  }
}

/** Messages to and from a peer so far. */
function messagesOf({ traffic }: PeerRecord): number {
  return Object.values(traffic).reduce((sum, { messagesIn, messagesOut }) => sum + messagesIn + messagesOut, 0)
}

import { optional } from '@gridmesh/interfaces'
import { ConnectionClosedError, type Logger, type PeerId, type TypedEventEmitter } from '@libp2p/interface'
import { classify } from './classify.ts'
import type { Importance } from './importance.ts'
import type { ReconnectionComponents, ReconnectionEvents } from './index.ts'
import { isLinked } from './links.ts'
import type { ReconnectionMetrics } from './metrics.ts'
import type { PeerBook } from './peer-book.ts'
import type { TrackedPeer } from './tracked-peer.ts'
import { BANNED, LOST, temper, type Verdict } from './verdicts.ts'

/** What the tracker works with. */
export interface TrackerParts {
  readonly components: ReconnectionComponents
  readonly book: PeerBook
  readonly importance: Importance
  readonly maxTries: number
  readonly events: Pick<TypedEventEmitter<ReconnectionEvents>, 'safeDispatchEvent'>
  readonly metrics: ReconnectionMetrics
  readonly log: Logger
}

/** Decides what each piece of news means for a peer: whether it is ours to win back, when, and when to stop. */
export class PeerTracker {
  readonly #parts: TrackerParts

  constructor(parts: TrackerParts) {
    this.#parts = parts
  }

  /** Tracks an important peer, which is due at once. */
  want(id: PeerId): void {
    const peer = this.#ensure(id)
    if (peer !== undefined) peer.isImportant = true
  }

  /** A peer is connected, and ready where there is a handshake: from now on it is ours to win back. */
  ready(id: PeerId): void {
    const { book, components, events, importance, log } = this.#parts
    if (!isLinked(components.connectionManager, id)) return
    const known = book.get(id)
    const peer = known ?? this.#ensure(id)
    if (peer === undefined) return
    peer.isImportant = importance.of(id)
    this.#learnAddresses(peer)
    if (peer.status === 'connected') {
      peer.farewell = undefined
      return
    }
    const detail = { peer: id, attempts: peer.attempts, awayMs: peer.standsForMs }
    peer.returned()
    if (known === undefined) return
    log('%p is back after %d ms and %d attempts', id, Math.round(detail.awayMs), detail.attempts)
    events.safeDispatchEvent('reconnection:success', { detail })
  }

  /** A connection ended. It matters if it was the last one of a peer of ours. */
  closed(id: PeerId): void {
    const { book, components, importance, log } = this.#parts
    const peer = book.get(id)
    if (peer?.status !== 'connected' || isLinked(components.connectionManager, id)) return
    peer.isImportant = importance.of(id)
    const isBanned = optional(components, 'peerManager')?.isBanned(id) === true
    const verdict = isBanned ? BANNED : (peer.farewell ?? LOST)
    log('lost %p: %s', id, verdict.reason)
    peer.lost(temper(verdict, peer.isImportant))
    this.#stopAtNever(peer, verdict)
  }

  /** The peer said goodbye. Often that is heard only after its connection ended, since what came before is read last. */
  goodbye(id: PeerId, verdict: Verdict): void {
    const peer = this.#parts.book.get(id)
    if (peer?.status === 'connected') peer.farewell = verdict
    if (peer?.status !== 'waiting') return
    peer.explainLoss(temper(verdict, peer.isImportant))
    this.#stopAtNever(peer, verdict)
  }

  /** Somebody, we or the peer, said goodbye, and the connection is about to end. */
  draining(id: PeerId, verdict: Verdict): void {
    const peer = this.#parts.book.get(id)
    // What the peer itself said counts for more.
    if (peer?.status === 'connected') peer.farewell ??= verdict
  }

  /** A handshake that was not part of an attempt came to nothing. */
  refused(id: PeerId, error: unknown): void {
    const peer = this.#parts.book.get(id)
    // The schedule stands, unless there is no hope left.
    if (peer?.status === 'waiting') this.#stopAtNever(peer, classify(error))
  }

  /** An attempt begins. */
  begun(peer: TrackedPeer): void {
    const { id, attempts, isImportant } = peer
    this.#parts.log('attempt %d on %p', attempts, id)
    this.#parts.events.safeDispatchEvent('reconnection:attempt', {
      detail: { peer: id, attempt: attempts, isImportant },
    })
  }

  /** An attempt succeeded. */
  reached(peer: TrackedPeer): void {
    this.ready(peer.id)
    if (peer.status === 'connected') this.#parts.metrics.attempt('succeeded')
    // It was open a moment ago and no longer is.
    else this.failed(peer, new ConnectionClosedError('It closed as soon as it was ready'))
  }

  /** An attempt failed. */
  failed(peer: TrackedPeer, error: unknown): void {
    const { importance, log, maxTries, metrics } = this.#parts
    // It came back by itself in the meantime, and may even be lost again.
    if (peer.status !== 'attempting') {
      metrics.attempt('cancelled')
      return
    }
    const verdict = classify(error)
    log('attempt on %p failed, %s: %s - %e', peer.id, verdict.action, verdict.reason, error)
    metrics.attempt('failed')
    metrics.failure(verdict)
    peer.isImportant = importance.of(peer.id)
    peer.failed(temper(verdict, peer.isImportant))
    if (!peer.isImportant && peer.failures >= maxTries) this.#giveUp(peer, verdict)
    else this.#stopAtNever(peer, verdict)
  }

  #stopAtNever(peer: TrackedPeer, verdict: Verdict): void {
    if (temper(verdict, peer.isImportant).action === 'never') this.#giveUp(peer, verdict)
  }

  #giveUp(peer: TrackedPeer, verdict: Verdict): void {
    const { book, events, log, metrics } = this.#parts
    log('gave up on %p: %s', peer.id, verdict.reason)
    metrics.gaveUp(verdict)
    const { id, attempts } = peer
    peer.gaveUp(verdict)
    // An important one stays, for people to see that it is given up, and why.
    if (!peer.isImportant) book.forget(peer)
    events.safeDispatchEvent('reconnection:gave-up', { detail: { peer: id, attempts, reason: verdict.reason } })
  }

  #ensure(id: PeerId): TrackedPeer | undefined {
    const peer = this.#parts.book.ensure(id)
    if (peer === undefined) {
      this.#parts.log('%p is not tracked: maxPeers is reached', id)
      this.#parts.metrics.untracked()
    }
    return peer
  }

  #learnAddresses(peer: TrackedPeer): void {
    const { components, log } = this.#parts
    const dialled = components.connectionManager
      .getConnections(peer.id)
      .find(({ direction }) => direction === 'outbound')
    if (dialled !== undefined) peer.addresses.prove(dialled.remoteAddr)
    // What identify told before now. Later news come as events.
    components.peerStore.get(peer.id).then(
      ({ addresses }) => peer.addresses.recall(addresses.map(({ multiaddr }) => multiaddr)),
      (err: unknown) => log.trace('no addresses of %p are stored - %e', peer.id, err),
    )
  }
}

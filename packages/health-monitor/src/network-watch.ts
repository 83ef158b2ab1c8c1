import { optional, type PeerRecord, type PeerStateChange } from '@gridmesh/interfaces'
import type { Libp2pEvents, Logger, PeerId } from '@libp2p/interface'
import { CallSuccess } from './call-success.ts'
import { Churn } from './churn.ts'
import type { HealthMonitorComponents, NetworkView } from './index.ts'
import { LostPeers } from './lost-peers.ts'
import { type ViewedPeer, viewPeers } from './network-view.ts'
import type { HealthOptions } from './options.ts'
import type { PeerTable } from './peer-table.ts'

type NetworkComponents = Pick<
  HealthMonitorComponents,
  'connectionManager' | 'events' | 'peerId' | 'peerManager' | 'unicast'
>

/** Sees who comes, goes and is lost, and puts together what the state of the network is judged by. */
export class NetworkWatch {
  readonly #components: NetworkComponents
  readonly #options: HealthOptions
  readonly #table: PeerTable
  readonly #log: Logger
  readonly #churn: Churn
  readonly #calls: CallSuccess
  readonly #lost: LostPeers
  readonly #authorities: readonly string[]
  #manager: HealthMonitorComponents['peerManager']

  constructor(components: NetworkComponents, options: HealthOptions, table: PeerTable, log: Logger) {
    this.#components = components
    this.#options = options
    this.#table = table
    this.#log = log
    this.#churn = new Churn(options.churnWindowMs)
    this.#calls = new CallSuccess(options.successWindowMs)
    this.#lost = new LostPeers(options.lostPeerMs, options.maxPeers)
    const self = components.peerId.toString()
    this.#authorities = options.authorities.map(String).filter((key) => key !== self)
  }

  start(): void {
    this.#churn.start(performance.now())
    this.#calls.reset()
    this.#components.events.addEventListener('peer:connect', this.#onConnect)
    this.#components.events.addEventListener('peer:disconnect', this.#onDisconnect)
  }

  /** Looks at the siblings too, where there are any: they may be used from `afterStart` on. */
  listen(): void {
    if (this.#manager !== undefined) return
    this.#manager = optional(this.#components, 'peerManager')
    if (this.#manager !== undefined) this.#meetReady(this.#manager)
    this.sample()
  }

  #meetReady(manager: NonNullable<HealthMonitorComponents['peerManager']>): void {
    // Connections that opened since the start are not all of ready peers.
    this.#lost.clear()
    for (const { id, state } of manager.peers.values()) {
      if (state === 'ready') this.#lost.meet(id.toString(), performance.now())
    }
    manager.addEventListener('peer:state', this.#onState)
  }

  /** Stops listening. Links that are closed as the node stops are no losses. */
  stop(): void {
    this.#components.events.removeEventListener('peer:connect', this.#onConnect)
    this.#components.events.removeEventListener('peer:disconnect', this.#onDisconnect)
    this.#manager?.removeEventListener('peer:state', this.#onState)
    this.#manager = undefined
    this.#lost.clear()
  }

  /** Counts the calls that ended since the last look. */
  sample(): void {
    if (this.#options.successRate !== undefined) return
    try {
      const outcomes = optional(this.#components, 'unicast')?.outcomes?.()
      if (outcomes !== undefined) this.#calls.add(outcomes, performance.now())
    } catch (err) {
      this.#log.error('could not read the outcomes of calls - %e', err)
    }
  }

  /** A peer went that was not to go. */
  lose(peer: PeerId): void {
    this.#lost.lose(peer.toString(), performance.now())
  }

  /** The network as it is seen now. */
  view(): NetworkView {
    const { authorityRoles, maxRegions } = this.#options
    const nowMs = performance.now()
    const linked = new Set(
      this.#components.connectionManager.getConnections().map(({ remotePeer }) => String(remotePeer)),
    )
    const records = optional(this.#components, 'peerManager')?.peers.values()
    const peers =
      records === undefined
        ? [...linked].map((key): ViewedPeer => ({ key, isReady: true }))
        : [...records].flatMap(asViewed)
    const context = {
      authorities: this.#authorities,
      authorityRoles,
      maxRegions,
      lost: this.#lost.keys(nowMs),
      isHealthy: (key: string) => this.#table.get(key)?.isHealthy ?? true,
    }
    const latencies = this.#table.allLinked().map(([, { latencyMs }]) => latencyMs)
    return {
      ...viewPeers(peers, context),
      connectedPeers: linked.size,
      latenciesMs: latencies.filter((latencyMs) => latencyMs !== undefined),
      churnPerMinute: this.#churn.perMinute(nowMs),
      successRate: this.#options.successRate === undefined ? this.#calls.share(nowMs) : this.#read('successRate'),
      viewOverlap: this.#read('viewOverlap'),
    }
  }

  readonly #onConnect = ({ detail: peer }: Libp2pEvents['peer:connect']): void => {
    this.#churn.add(performance.now())
    if (this.#manager === undefined) this.#lost.meet(peer.toString(), performance.now())
  }

  readonly #onDisconnect = ({ detail: peer }: Libp2pEvents['peer:disconnect']): void => {
    this.#churn.add(performance.now())
    // Without a peer manager nobody knows of goodbyes; whoever was measured and goes counts as lost.
    if (this.#manager !== undefined) return
    if (this.#table.get(peer.toString())?.isMeasured === true) this.lose(peer)
    else this.#lost.leave(peer.toString())
  }

  readonly #onState = ({ detail: { peer, from, to } }: CustomEvent<PeerStateChange>): void => {
    if (to === 'ready') this.#lost.meet(peer.toString(), performance.now())
    else if (to === 'banned') this.#lost.forget(peer.toString())
    else if (from === 'ready' && to === 'known') this.lose(peer)
    else if (from === 'ready') this.#lost.leave(peer.toString())
  }

  #read(name: 'successRate' | 'viewOverlap'): number | undefined {
    try {
      const share = this.#options[name]?.()
      return share === undefined || Number.isNaN(share) ? undefined : Math.min(Math.max(share, 0), 1)
    } catch (err) {
      this.#log.error('could not read %s - %e', name, err)
      return undefined
    }
  }
}

function asViewed({ id, state, hello }: PeerRecord): ViewedPeer[] {
  return state === 'banned' ? [] : [{ key: id.toString(), isReady: state === 'ready', hello }]
}

import type {
  ComponentLogger,
  ConnectionGater,
  Libp2pEvents,
  Metrics,
  PeerId,
  PeerRouting,
  PeerStore,
  PrivateKey,
  TypedEventTarget,
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Machine } from '../links/machine.ts'
import type { Fabric } from '../links/fabric.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** What the parts of a simulated libp2p share. */
export interface HostContext {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly address: Multiaddr
  readonly machine: Machine
  readonly fabric: Fabric
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly peerStore: PeerStore
  readonly peerRouting: PeerRouting
  readonly registrar: Registrar
  readonly connectionGater: ConnectionGater
  readonly logger: ComponentLogger
  readonly metrics: Metrics | undefined
  readonly maxConnections: number
  readonly agentVersion: string
  /** Finds the node that has a peer id, so that all nodes share one object for it. */
  readonly findPeer: (peer: string) => PeerId | undefined
  /** The address of another simulated node, as it would announce it. */
  readonly addressOf: (peer: PeerId) => Multiaddr | undefined
}

/**
 * @packageDocumentation
 *
 * Agreement on chain, version and capabilities before any other protocol opens. Whoever dials opens one stream, both
 * sides say who they are and what they think of the other, and a peer is ready only when both accept. The stream is
 * kept for status updates and the goodbye.
 *
 * Not for proving identity, which is what the secure channel does, nor for choosing whom to connect to.
 *
 * @example
 *
 * ```ts
 * import { handshake } from '@gridmesh/handshake'
 * import { createLibp2p } from 'libp2p'
 *
 * const genesisHash = 'c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2'
 * const node = await createLibp2p({
 *   services: { handshake: handshake({ chainId: 'demo', genesisHash, role: 'prosumer', region: 'eu-north' }) },
 * })
 * node.services.handshake.addEventListener('peer:ready', ({ detail }) => {
 *   process.stdout.write(`${detail.peer} is at height ${detail.hello.height}\n`)
 * })
 * ```
 */
import type { Discovery, Handshake, Hello, PeerManager, PeerStatus, Quota, Reason } from '@gridmesh/interfaces'
import type { ComponentLogger, Libp2pEvents, Metrics, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { DefaultHandshake } from './default-handshake.ts'

/** Options of the handshake. */
export interface HandshakeInit {
  /** Name of the chain; a peer of another one is refused as `wrong-chain`. */
  chainId: string
  /** sha256 of the genesis file, hex; a peer with another one is refused as `wrong-genesis`. */
  genesisHash: string
  /** Our role, at most 64 bytes. */
  role: string
  /** Our region, at most 64 bytes. */
  region: string
  /** What we can do, at most 64 names of 64 bytes; duplicates are dropped. @default [] */
  capabilities?: readonly string[]
  /** Name and version of the software, at most 128 bytes. @default 'gridmesh' */
  userAgent?: string
  /** Lowest and highest version we speak; without a common one a peer is refused. @default { min: 1, max: 1 } */
  protocol?: { min: number; max: number }
  /** What we accept from one peer, for it to stay within. @default not announced */
  quota?: Quota
  /** Makes our proof of membership, at most 2_048 bytes, anew for each handshake. @default none */
  credentials?: () => Uint8Array | Promise<Uint8Array>
  /**
   * Judges a peer whose Hello is in order; anything but `true` is the reason it is refused with, and so is a throw.
   * @default everybody is accepted
   */
  authorise?: (hello: Hello, peer: PeerId, options: { signal: AbortSignal }) => true | Reason | Promise<true | Reason>
  /** How far a peer's clock may be from ours, in ms; beyond it is refused as `clock-skew`. @default 30_000 */
  maxClockSkewMs?: number
  /**
   * Time from the opening of a connection to the end of its handshake, in ms, about 25 days at most; then it is closed.
   * @default 10_000
   */
  deadlineMs?: number
  /**
   * What becomes of a peer that does not speak the handshake, as in a network of several sorts of nodes: it is
   * disconnected, or tolerated. A tolerated peer stays connected and never gets ready, so that no protocol that waits
   * for the handshake takes a stream of it; so does a dialler that is silent for `deadlineMs`. @default 'disconnect'
   */
  unknownPeers?: 'disconnect' | 'tolerate'
  /** Time between two status messages while nothing changes, in ms; about 25 days at most. @default 60_000 */
  statusIntervalMs?: number
  /** Handshakes in progress at once; further diallers are refused as `busy`. @default 64 */
  maxHandshakes?: number
  /** Connections one peer may be ready on, 2 or more; further ones are refused as `duplicate`. @default 4 */
  maxConnectionsPerPeer?: number
  /** Messages per second taken from a ready peer, bursts of twice as many; above, it waits and is reported. @default 10 */
  maxStatusPerSecond?: number
  /** Largest message taken, in bytes; a larger one is a violation. @default 16_384 */
  maxFrameBytes?: number
  /** Most capabilities a peer may name; more are a violation. @default 64 */
  maxCapabilities?: number
  /** Most listen addresses a peer may name; more are a violation. @default 32 */
  maxListenAddresses?: number
}

/** What the handshake uses of libp2p, and the sibling it tells. */
export interface HandshakeComponents {
  registrar: Pick<Registrar, 'handle' | 'unhandle'>
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  addressManager: Pick<AddressManager, 'getAddresses'>
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  metrics?: Metrics
  /** Is told who is ready, and who misbehaved; without it nobody is blamed. */
  peerManager?: Pick<PeerManager, 'markReady' | 'updateHello' | 'markDraining' | 'report'>
  /** Is told of the peers that one with no place for us names instead; without it those are dropped. */
  discovery?: Pick<Discovery, 'referred'>
}

/** A peer that both sides made ready. */
export interface PeerReady {
  peer: PeerId
  /** What the peer said of itself. */
  hello: Hello
  /** Highest version both speak. */
  version: number
  /** What both can do, sorted. */
  capabilities: readonly string[]
}

/** A peer that was judged and refused. */
export interface PeerRefused {
  peer: PeerId
  /** Why, in a form an operator can act on. */
  reason: Reason
  /** Who refused. */
  by: 'us' | 'them'
}

/** Events of the handshake. */
export interface HandshakeEvents {
  /** Both sides are ready; once per peer, however many connections it has. */
  'peer:ready': CustomEvent<PeerReady>
  /** One side refused on one connection, or the deadline passed; that connection is about to close. */
  'peer:refused': CustomEvent<PeerRefused>
  /** A peer that does not speak the handshake stays connected, since `unknownPeers` is `tolerate`; it is not ready. */
  'peer:tolerated': CustomEvent<{ peer: PeerId }>
  /** A ready peer announced its height and tip. */
  'peer:status': CustomEvent<{ peer: PeerId; status: PeerStatus }>
  /** A ready peer told why it is about to part; it is no longer ready. */
  'peer:goodbye': CustomEvent<{ peer: PeerId; reason: Reason }>
  /** The last connection that a peer was ready on has ended. */
  'peer:left': CustomEvent<{ peer: PeerId }>
}

/** The handshake service. */
export interface HandshakeService extends Handshake, TypedEventTarget<HandshakeEvents> {}

/**
 * Creates the handshake as a libp2p service; its name must be `handshake`, or the start fails with a `ServiceNameError`.
 * @throws {RangeError} when an option is out of its range; TypeError when one is missing, or of another type
 */
export function handshake(init: HandshakeInit): (components: HandshakeComponents) => HandshakeService {
  return (components) => new DefaultHandshake(components, init)
}

export { HANDSHAKE_PROTOCOL } from './constants.ts'
export { HandshakeViolationError, type ViolationCode } from './errors.ts'
export { judge, type JudgeOptions, type Judgement } from './judge.ts'
export { REASON_CODES, type ReasonCode, REFUSAL_CODES, type RefusalCode } from './reasons.ts'

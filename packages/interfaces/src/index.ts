/**
 * @packageDocumentation
 *
 * The contracts between Gridmesh packages. A package names what it needs as a component typed here, and libp2p hands
 * it over by service name; anything that satisfies the interface may stand in its place.
 *
 * Not for behaviour: all that runs here reads a service that may be absent, or makes sure that one is there.
 *
 * @example
 *
 * ```ts
 * import { optional, type PeerManager } from '@gridmesh/interfaces'
 *
 * function praise(components: { peerManager?: PeerManager }, peer: Parameters<PeerManager['report']>[0]): void {
 *   optional(components, 'peerManager')?.report(peer, { class: 'useful' })
 * }
 * ```
 */
export type * from './carriers.ts'
export type * from './chain.ts'
export type * from './envelope.ts'
export * from './errors.ts'
export * from './lane.ts'
export type * from './limits.ts'
export type * from './links.ts'
export type * from './messages.ts'
export { optional, requireName } from './optional.ts'
export type * from './peer.ts'
export * from './shutdown.ts'
export type * from './topology.ts'

/**
 * @packageDocumentation
 *
 * What the contracts say, as tests: a suite for each contract that has more than one implementation. A suite takes a
 * harness that makes the module under test, and returns cases for any test runner; nothing but Node is needed.
 *
 * A harness also says which freedoms of the contract the module takes: what it may leave out, and its limits.
 *
 * @example
 *
 * ```ts
 * import { type DiscoveryStrategy } from '@gridmesh/interfaces'
 * import { discoveryStrategyConformance } from '@gridmesh/interfaces/conformance'
 * import { it } from 'node:test'
 *
 * export function holdToSuite(create: () => DiscoveryStrategy): void {
 *   const harness = { create: () => ({ strategy: create(), stop: () => undefined }) }
 *   for (const { name, run } of discoveryStrategyConformance(harness)) it(name, run)
 * }
 * ```
 */
export type { BroadcastHarness, BroadcastNetwork, BroadcastNetworkOptions, BroadcastNode } from './broadcast/harness.ts'
export { broadcastConformance } from './broadcast/suite.ts'
export type { ConformanceCase } from './case.ts'
export type { ChainBackendBlock, ChainBackendHarness, ChainBackendWorld, FalseBlock } from './chain-backend/harness.ts'
export { chainBackendConformance } from './chain-backend/suite.ts'
export type { DiscoveryStrategyHarness, DiscoveryStrategyWorld } from './discovery-strategy/harness.ts'
export { discoveryStrategyConformance } from './discovery-strategy/suite.ts'
export type { PeerManagerHarness, PeerManagerWorld } from './peer-manager/harness.ts'
export { peerManagerConformance } from './peer-manager/suite.ts'
export type { RateLimiterHarness, RateLimiterLimits, RateLimiterWorld } from './rate-limiter/harness.ts'
export { rateLimiterConformance } from './rate-limiter/suite.ts'
export type { UnicastHarness, UnicastNetwork, UnicastNode } from './unicast/harness.ts'
export { unicastConformance } from './unicast/suite.ts'

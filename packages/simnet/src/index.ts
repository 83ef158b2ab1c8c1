/**
 * @packageDocumentation
 *
 * Runs any libp2p service on thousands of simulated nodes in one process, in virtual time: what takes an hour takes
 * seconds, and the same seed gives the same run, event by event.
 *
 * @example
 *
 * ```ts
 * import { createSimulation } from '@gridmesh/simnet'
 * import { gossipsub } from '@libp2p/gossipsub'
 *
 * const sim = createSimulation({ seed: 1, nodes: 100, services: () => ({ pubsub: gossipsub() }) })
 * const result = await sim.run(async ({ nodes, network, clock, deliveries }) => {
 *   await network.connectAll({ degree: 8 })
 *   for (const node of nodes) {
 *     await node.run(({ pubsub }) => {
 *       pubsub.addEventListener('message', () => deliveries.delivered('hello', node.index))
 *       pubsub.subscribe('news')
 *     })
 *   }
 *   await clock.sleep(5_000)
 *   deliveries.published('hello', nodes.length - 1)
 *   await nodes[0]?.run(({ pubsub }) => pubsub.publish('news', new Uint8Array(1_024)))
 *   await clock.sleep(2_000)
 * })
 * console.log(result.deliveredRatio, result.p99Ms, result.traceHash)
 * ```
 */
import type { ComponentLogger, PeerId, PrivateKey, ServiceMap, Transport } from '@libp2p/interface'
import { DefaultSimulation } from './simulation.ts'
import type { SimulationContext, SimulationInit, SimulationResult } from './types.ts'

/** What a run can be told. */
export interface RunOptions {
  /** Ends the run at once when aborted; `run` then rejects with the reason. */
  signal?: AbortSignal
}

/** What a simulated transport needs of the libp2p it belongs to. */
export interface TransportComponents {
  logger: ComponentLogger
  peerId: PeerId
}

/** What a simulated transport can be told. */
export interface TransportOptions {
  /** Whether the key of its libp2p is the caller's own, and the same in each run. @default false */
  hasOwnKey?: boolean
}

/** A simulation, ready to run; again, too, once a run has ended. */
export interface Simulation<S extends ServiceMap = ServiceMap> {
  /**
   * Builds and starts the nodes, then runs the scenario in virtual time. While it runs, timers, clocks and randomness
   * of the whole process are simulated; afterwards they are as before, also when the run fails. Violations are part of
   * the result; what the scenario or `onTrace` throws is thrown.
   *
   * @throws {SimulationRunningError} when another simulation runs in this process
   * @throws {DeadlockError} when nothing is left to happen and the scenario has not ended
   * @throws {SpinError} when time stands still
   * @throws {RunLimitError} when `maxVirtualMs` or `maxWallMs` is passed
   * @throws {RealWorkError} when a node uses files, sockets, workers, or streams and channels of the real event loop
   */
  run(scenario: (context: SimulationContext<S>) => Promise<void>, options?: RunOptions): Promise<SimulationResult>
  /**
   * A libp2p transport through this simulation, for nodes that the scenario makes itself with `createLibp2p`. Each is a
   * machine of its own, listening at what address it likes. Its key has to be from `key()`: one that libp2p makes by
   * itself is another one in each run.
   *
   * @throws {UnseededKeyError} inside `createLibp2p`, when its key is another, and not said to be the caller's own
   * @throws {RangeError} inside `createLibp2p`, when no run is under way
   */
  transport(options?: TransportOptions): (components: TransportComponents) => Transport
  /**
   * The next private key of the run, for a node that the scenario makes itself: the seed decides it, and its place in
   * the order of the calls.
   *
   * @throws {RangeError} when no run is under way
   */
  key(): PrivateKey
}

/** Creates a simulation. @throws {RangeError} when an option makes no sense */
export function createSimulation<S extends ServiceMap = ServiceMap>(init: SimulationInit<S>): Simulation<S> {
  return new DefaultSimulation(init)
}

export {
  ConnectionInterceptedError,
  DeadlockError,
  DialDeniedError,
  DuplicateProtocolHandlerError,
  InvariantError,
  MissingServiceError,
  NoContentRoutersError,
  NodeDownError,
  NoPeerRoutersError,
  NoValidAddressesError,
  QueriedForSelfError,
  RealWorkError,
  RunLimitError,
  SimulationRunningError,
  SpinError,
  UnhandledProtocolError,
  UnmetServiceDependenciesError,
  UnseededKeyError,
} from './errors.ts'
export { THAILAND_REGIONS, thailandLatency } from './links/thailand.ts'
export type * from './types.ts'

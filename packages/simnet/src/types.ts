import type {
  ComponentLogger,
  Connection,
  ConnectionGater,
  Libp2p,
  Metrics,
  PeerId,
  PrivateKey,
  ServiceMap,
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Datastore } from 'interface-datastore'

/** How much of libp2p is real: `host` simulates libp2p below the services, `stack` the network below libp2p. */
export type SimulationLevel = 'host' | 'stack'

/** Makes a libp2p service from the components of a node, as in `createLibp2p({ services })`. */
export type ServiceFactory<T = unknown> = (components: never) => T

/** Makes the services of a node. */
export type ServiceFactories<S extends ServiceMap> = { [K in keyof S]: (components: never) => S[K] }

/** A node that is about to be built. */
export interface NodePlan {
  /** Its number, from 0. */
  readonly index: number
  /** The region it is in, as the links name it. */
  readonly region: string
  /** How often it was built before: 0 at first, 1 after its first restart. */
  readonly restarts: number
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly address: Multiaddr
}

/** What a node has besides its services. */
export interface NodeOptions<S extends ServiceMap = ServiceMap> {
  /** Further services, made where the options are, since a gater and a service may share state. @default none */
  services?: Partial<ServiceFactories<S>>
  /** Who may connect. @default nobody is denied */
  connectionGater?: ConnectionGater
  /** Metrics of the node, as in `createLibp2p`. @default none */
  metrics?: (components: never) => Metrics
  /** Where it logs. @default nowhere */
  logger?: ComponentLogger
  /** Its disk; it outlives a restart that keeps the disk. @default a store in memory */
  datastore?: Datastore
  /** Connections it has at most; further arrivals are refused. @default 300 */
  maxConnections?: number
}

/** How long messages take from one place to another, in ms. */
export type LatencyModel =
  | { kind: 'constant'; ms: number }
  | { kind: 'normal'; meanMs: number; deviationMs: number; minMs?: number }
  | { kind: 'regions'; regions: readonly string[]; matrixMs: readonly (readonly number[])[] }

/** What links are like. */
export interface LinkInit {
  /** Time from one node to another, one way. @default constant, 20 ms */
  latency?: LatencyModel
  /** What is added to each message at random, evenly from 0 to this, in ms. @default 0 */
  jitterMs?: number
  /** What a node can send, in bytes per second, shared fairly by its connections. @default no limit */
  uplinkBytesPerSecond?: number
  /** What a node can receive, in bytes per second, shared fairly by its connections. @default no limit */
  downlinkBytesPerSecond?: number
  /** Share of messages that are lost and sent again, 0 to 1: a delay, as over TCP. @default 0 */
  loss?: number
  /** Least time until a lost message is sent again, in ms; doubled with each loss in a row. @default 200 */
  minRetransmitMs?: number
  /** Bytes of a connection under way in one direction; beyond them senders are told to wait. @default 4_194_304 */
  windowBytes?: number
  /** Time after which a connection without a way through is given up, in ms. @default 30_000 */
  deadAfterMs?: number
  /** Round trips that a new connection takes until it is secure and multiplexed (`host` level). @default 3 */
  handshakeRoundTrips?: number
}

/** A law that is looked at throughout a run, and once more at its end. */
export interface Invariant<S extends ServiceMap = ServiceMap> {
  name: string
  /** Time between two looks, in virtual ms. @default 1_000 */
  everyMs?: number
  /** Returns what is wrong, in words, or nothing. May throw, too. */
  check(context: SimulationContext<S>): string | undefined | void
}

/** Options of a simulation. */
export interface SimulationInit<S extends ServiceMap = ServiceMap> {
  /** Decides everything that is random: the same seed gives the same trace. */
  seed: number | string
  /** How much of libp2p is real. @default 'host' */
  level?: SimulationLevel
  /** Nodes that are built, as their number. @default 0 */
  nodes?: number
  /** Makes the services of a node; identify, its push and ping are there without being asked for. @default none */
  services?: (node: NodePlan) => ServiceFactories<S>
  /** Says what else a node has. @default nothing */
  options?: (node: NodePlan) => NodeOptions<S>
  /** The region of a node. @default regions of the latency model in turn, or `'one'` */
  region?: (index: number) => string
  /**
   * The IPv4 address of a node. Nodes that share a /24 stand for one operator; those that share an address have its
   * ports from 4001 on. @default 10.x.y.1, each in a /24 of its own
   */
  ip?: (index: number) => string
  /** Whether a node is down at first, until `network.restart` brings it up. @default none is */
  isDown?: (index: number) => boolean
  /** What links are like. @default 20 ms, without loss, jitter or limits */
  links?: LinkInit
  /** Laws that are looked at throughout, and once more at the end. @default [] */
  invariants?: readonly Invariant<S>[]
  /** Virtual time at the start, in ms since 1970. @default 2026-01-01 */
  epochMs?: number
  /** Longest run, in virtual ms. @default 86_400_000 */
  maxVirtualMs?: number
  /** Longest run, in real ms. @default 3_600_000 */
  maxWallMs?: number
  /** Events at one moment, beyond which the run fails, since somebody spins. @default 10_000_000 */
  maxEventsPerInstant?: number
  /** Events before a violation that are kept for its report. @default 50 */
  lastEvents?: number
  /** Whether nodes may use files, sockets, workers and their like; such runs cannot be replayed. @default false */
  allowRealWork?: boolean
  /** Is given each event, to write a trace; slows the run down. The run fails with what it throws. @default none */
  onTrace?: (event: TraceEvent) => void
}

/** One event of the trace. */
export interface TraceEvent {
  /** Virtual time, in ms. */
  readonly atMs: number
  /** The node, or −1 for the scenario. */
  readonly node: number
  /** What it is: `timer`, `immediate`, `arrive`, `link`, `wake`, `task` or `fault`. */
  readonly kind: string
  /** Bytes of a message, ms of a timer. */
  readonly detail: number
}

/** A law that did not hold. */
export interface Violation {
  readonly invariant: string
  readonly message: string
  /** When it was seen, in virtual ms. */
  readonly atMs: number
  /** The node that ran then, or −1 for the scenario. */
  readonly node: number
  /** What happened last before it. */
  readonly lastEvents: readonly TraceEvent[]
}

/** What became of a run. */
export interface SimulationResult {
  readonly seed: number | string
  /** SHA-256 over time, node, kind and size of all events, in hex. */
  readonly traceHash: string
  readonly events: number
  /** Share of the deliveries that were expected and took place, 0 to 1; 1 when none was expected. */
  readonly deliveredRatio: number
  /** Delay that half of the deliveries did not exceed, in virtual ms; 0 without deliveries. */
  readonly p50Ms: number
  /** Delay that 99 % of the deliveries did not exceed, in virtual ms; 0 without deliveries. */
  readonly p99Ms: number
  readonly virtualMs: number
  readonly wallMs: number
  /** Largest resident set that the process has had, earlier runs in it included, in bytes. */
  readonly peakBytes: number
  /** Laws that did not hold, at most 100. */
  readonly violations: readonly Violation[]
}

/** A node of a simulation. */
export interface SimNode<S extends ServiceMap = ServiceMap> {
  readonly index: number
  readonly region: string
  readonly peerId: PeerId
  readonly address: Multiaddr
  readonly status: 'up' | 'crashed' | 'stopped'
  /**
   * Timers and intervals that it has, and that it is to clear before it ends: those without a reference that fire once,
   * as that of `AbortSignal.timeout`, are none. libp2p leaves some of its own, which fire within ten seconds of its end.
   * Looks at all that is planned, so that each look takes time.
   */
  readonly timers: number
  /** Its services; others after a restart. Call them through `run`, so that what they plan belongs to the node. */
  readonly services: S
  /** The node as libp2p shows itself: the real one at level `stack`. */
  readonly libp2p: Libp2p<S>
  /**
   * Calls a function on behalf of the node: by its clock, on its CPU, and gone with it when it crashes.
   *
   * @throws {NodeDownError} when the node has crashed, crashes or is restarted meanwhile, or was never up
   */
  run<T>(fn: (services: S, node: SimNode<S>) => T | Promise<T>): Promise<T>
  /** Connects to another node. @throws {NodeDownError} as `run` does */
  dial(other: SimNode<S> | Multiaddr | PeerId): Promise<Connection>
}

/** How a node crashes. */
export interface CrashOptions {
  /** Whether its peers hear nothing, as when power fails; else their connections are reset. @default false */
  silent?: boolean
}

/** How a node comes back. */
export interface RestartOptions {
  /** Whether it finds its datastore again. @default true */
  disk?: boolean
}

/** Which nodes to connect. */
export interface ConnectOptions {
  /** Connections that each node opens, to nodes chosen at random. @default 6 */
  degree?: number
}

/** A way that is closed. */
export interface Partition {
  /** Opens it again; what waited arrives. */
  heal(): void
}

/** The network of a simulation, and what can go wrong with it. */
export interface SimNetwork<S extends ServiceMap = ServiceMap> {
  /** Connects one node to another. */
  connect(from: SimNode<S>, to: SimNode<S>): Promise<Connection>
  /** Connects all nodes at random; the graph is connected, since each but the first dials one before it. */
  connectAll(options?: ConnectOptions): Promise<void>
  /** Separates groups of nodes from each other; nodes in no group reach everybody. */
  partition(...groups: readonly (readonly SimNode<S>[])[]): Partition
  /** Closes the ways from some nodes to others, one way only. */
  block(from: readonly SimNode<S>[], to: readonly SimNode<S>[]): Partition
  /** Opens all closed ways. */
  heal(): void
  /** Ends a node at once. @throws {NodeDownError} when it is not up */
  crash(node: SimNode<S>, options?: CrashOptions): void
  /**
   * Builds a node again that crashed, stopped, or was down from the start, and starts it. While it comes back already,
   * waits for that, whatever disk it was told.
   *
   * @throws {RangeError} when the node is up
   */
  restart(node: SimNode<S>, options?: RestartOptions): Promise<void>
  /** Stops a node as libp2p does. @throws {NodeDownError} when it has crashed or crashes meanwhile, or was never up */
  stop(node: SimNode<S>): Promise<void>
  /** Lets each event of a node take CPU time, in ms; 0 makes it fast again. */
  slow(node: SimNode<S>, cpuMs: number): void
  /** Puts the calendar clock of a node ahead, in ms; negative: back. */
  skew(node: SimNode<S>, ms: number): void
  /** Changes what links are like, for messages sent from now on. */
  links(change: Pick<LinkInit, 'jitterMs' | 'loss'>): void
  /** Ends all faults: ways opened, loss and jitter as in the options, clocks right, CPUs fast, crashed nodes back. */
  calm(): Promise<void>
  /** Bytes that were sent so far, and messages. */
  readonly traffic: { readonly bytes: number; readonly messages: number }
}

/** Virtual time. */
export interface SimClock {
  /** Since the start, in ms. */
  readonly nowMs: number
  /** Resolves when this much virtual time has passed, in ms. */
  sleep(ms: number): Promise<void>
}

/** Who was to get what, and who got it. */
export interface DeliveryLedger {
  /** Notes that something was published, and who is to get it, as a number of nodes. */
  published(id: string, expected: number): void
  /** Notes that a node got it. A second time is a violation named `delivered-twice`. */
  delivered(id: string, node: number): void
  /** How many nodes got it. */
  count(id: string): number
}

/** What a scenario works with. */
export interface SimulationContext<S extends ServiceMap = ServiceMap> {
  readonly nodes: readonly SimNode<S>[]
  readonly network: SimNetwork<S>
  readonly clock: SimClock
  readonly deliveries: DeliveryLedger
  /** A random number from 0 to 1, from the scenario's own part of the seed. */
  readonly random: () => number
  /** Notes a violation when `holds` is false. */
  readonly expect: (invariant: string, holds: boolean, message?: string) => void
  /** Waits until something holds, looking every 100 ms of virtual time; notes a violation when it does not in time. */
  readonly eventually: (invariant: string, holds: () => boolean, withinMs: number) => Promise<boolean>
}

/** Another simulation runs in this process; the clock of a process can be only one. */
export class SimulationRunningError extends Error {
  static override readonly name = 'SimulationRunningError'
  override readonly name = 'SimulationRunningError'
  readonly code = 'simulation-running'

  constructor() {
    super('A simulation is running in this process already: await it, or use another process')
  }
}

/** The scenario waits for something, yet nothing is left that could happen. */
export class DeadlockError extends Error {
  static override readonly name = 'DeadlockError'
  override readonly name = 'DeadlockError'
  readonly code = 'deadlock'
  readonly virtualMs: number

  constructor(virtualMs: number) {
    super(
      `Nothing is left to happen at ${virtualMs} ms of virtual time, and the scenario has not ended: ` +
        'it waits for what nobody is going to do, or for something outside the simulation',
    )
    this.virtualMs = virtualMs
  }
}

/** More happened at one moment than can be meant: somebody loops without letting time pass. */
export class SpinError extends Error {
  static override readonly name = 'SpinError'
  override readonly name = 'SpinError'
  readonly code = 'spin'

  constructor(events: number, virtualMs: number, node: number) {
    super(`${events} events at ${virtualMs} ms without time passing, the last one of node ${node}`)
  }
}

/** A run took longer than it may. */
export class RunLimitError extends Error {
  static override readonly name = 'RunLimitError'
  override readonly name = 'RunLimitError'
  readonly code = 'run-limit'
  /** Name of the limit, as in the options. */
  readonly limit: 'maxVirtualMs' | 'maxWallMs'
  readonly value: number

  constructor(limit: 'maxVirtualMs' | 'maxWallMs', value: number) {
    super(`The scenario has not ended within ${limit}, which is ${value}`)
    this.limit = limit
    this.value = value
  }
}

/** Something of the real world was used during a run: files, sockets, threads. No seed can replay that. */
export class RealWorkError extends Error {
  static override readonly name = 'RealWorkError'
  override readonly name = 'RealWorkError'
  readonly code = 'real-work'
  /** Types of the resources, as `process.getActiveResourcesInfo()` names them, or the function that was refused. */
  readonly resources: readonly string[]

  constructor(resources: readonly string[]) {
    super(`A simulated node did real work, which no seed can replay: ${resources.join(', ')}`)
    this.resources = resources
  }
}

/** A libp2p that the scenario makes has a key that the seed does not decide, and so another peer id in each run. */
export class UnseededKeyError extends Error {
  static override readonly name = 'UnseededKeyError'
  override readonly name = 'UnseededKeyError'
  readonly code = 'unseeded-key'
  /** The peer id that belongs to the key. */
  readonly peer: string

  constructor(peer: string) {
    super(
      `The seed does not decide the key of ${peer}: give createLibp2p({ privateKey: sim.key() }), ` +
        'or sim.transport({ hasOwnKey: true }) if it is the same in each run',
    )
    this.peer = peer
  }
}

/** A law that was to hold did not. */
export class InvariantError extends Error {
  static override readonly name = 'InvariantError'
  override readonly name = 'InvariantError'
  readonly code = 'invariant'
  readonly invariant: string

  constructor(invariant: string, message: string, options?: ErrorOptions) {
    super(`${invariant}: ${message}`, options)
    this.invariant = invariant
  }
}

/** A service is asked for that is absent, or not built yet; named as libp2p names it. */
export class MissingServiceError extends Error {
  static override readonly name = 'MissingServiceError'
  override readonly name = 'MissingServiceError'
  readonly code = 'missing-service'

  constructor(service: string) {
    super(`${service} not set`)
  }
}

/** A service needs a capability that no component has; named as libp2p names it. */
export class UnmetServiceDependenciesError extends Error {
  static override readonly name = 'UnmetServiceDependenciesError'
  override readonly name = 'UnmetServiceDependenciesError'
  readonly code = 'unmet-dependencies'

  constructor(service: string, capability: string) {
    super(`Service "${service}" required capability "${capability}" but it was not provided by any component`)
  }
}

/** A protocol has a handler already; named as libp2p names it. */
export class DuplicateProtocolHandlerError extends Error {
  static override readonly name = 'DuplicateProtocolHandlerError'
  override readonly name = 'DuplicateProtocolHandlerError'
  readonly code = 'duplicate-handler'

  constructor(protocol: string) {
    super(`Handler already registered for protocol ${protocol}`)
  }
}

/** A protocol has no handler; named as libp2p names it. */
export class UnhandledProtocolError extends Error {
  static override readonly name = 'UnhandledProtocolError'
  override readonly name = 'UnhandledProtocolError'
  readonly code = 'no-handler'

  constructor(protocol: string) {
    super(`No handler registered for protocol ${protocol}`)
  }
}

/** The connection gater of this side refused; named as libp2p names it. */
export class ConnectionInterceptedError extends Error {
  static override readonly name = 'ConnectionInterceptedError'
  override readonly name = 'ConnectionInterceptedError'
  readonly code = 'intercepted'

  constructor(method: string) {
    super(`The multiaddr connection is blocked by gater.${method}`)
  }
}

/** An arrival was refused, by a limit or by the gater; named as libp2p names it. */
export class ConnectionDeniedError extends Error {
  static override readonly name = 'ConnectionDeniedError'
  override readonly name = 'ConnectionDeniedError'
  readonly code = 'connection-denied'

  constructor() {
    super('Connection denied')
  }
}

/** The gater refused a dial before it began; named as libp2p names it. */
export class DialDeniedError extends Error {
  static override readonly name = 'DialDeniedError'
  override readonly name = 'DialDeniedError'
  readonly code = 'dial-denied'

  constructor(what: string) {
    super(`The dial request is blocked by gater.${what}`)
  }
}

/** No address is known to dial; named as libp2p names it. */
export class NoValidAddressesError extends Error {
  static override readonly name = 'NoValidAddressesError'
  override readonly name = 'NoValidAddressesError'
  readonly code = 'no-addresses'

  constructor(peer: string) {
    super(`The dial request has no valid addresses for peer ${peer}`)
  }
}

/** No service routes to peers; named as libp2p names it. */
export class NoPeerRoutersError extends Error {
  static override readonly name = 'NoPeerRoutersError'
  override readonly name = 'NoPeerRoutersError'
  readonly code = 'no-peer-routers'

  constructor() {
    super('No peer routers available')
  }
}

/** A node asked where it is itself; named as libp2p names it. */
export class QueriedForSelfError extends Error {
  static override readonly name = 'QueriedForSelfError'
  override readonly name = 'QueriedForSelfError'
  readonly code = 'queried-for-self'

  constructor() {
    super('Should not try to find self')
  }
}

/** No service routes to content; named as libp2p names it. */
export class NoContentRoutersError extends Error {
  static override readonly name = 'NoContentRoutersError'
  override readonly name = 'NoContentRoutersError'
  readonly code = 'no-content-routers'

  constructor() {
    super('No content routers available')
  }
}

/** The node has crashed, crashed or was restarted while something ran on it, or was never up. */
export class NodeDownError extends Error {
  static override readonly name = 'NodeDownError'
  override readonly name = 'NodeDownError'
  readonly code = 'node-down'
  readonly node: number

  constructor(node: number) {
    super(`Node ${node} is not up`)
    this.node = node
  }
}

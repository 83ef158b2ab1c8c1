/** No node answers at a URL. */
export class NodeUnreachableError extends Error {
  static override readonly name = 'NodeUnreachableError'
  override readonly name = 'NodeUnreachableError'
  readonly code = 'node-unreachable'

  constructor(url: string, options?: ErrorOptions) {
    super(`No node answers at ${url}; is it running? Start one with "gridmesh start" or "gridmesh devnet"`, options)
  }
}

/** A node answered, and refused. */
export class NodeRefusedError extends Error {
  static override readonly name = 'NodeRefusedError'
  override readonly name = 'NodeRefusedError'
  readonly code: string
  readonly status: number

  constructor(url: string, status: number, code: string, message: string) {
    super(`${url} refused (${status} ${code}): ${message}`)
    this.code = code
    this.status = status
  }
}

/** The command was called in a way it does not understand. */
export class UsageError extends Error {
  static override readonly name = 'UsageError'
  override readonly name = 'UsageError'
  readonly code = 'usage'
}

/** A simulation came to no result. */
export class SimulationFailedError extends Error {
  static override readonly name = 'SimulationFailedError'
  override readonly name = 'SimulationFailedError'
  readonly code = 'simulation-failed'

  constructor(why: string, replay: string) {
    super(`The simulation came to no result: ${why}. Replay it with: ${replay}`)
  }
}

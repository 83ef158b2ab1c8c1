/** Codes of Node, and of its fetch, that come before a request is sent. */
const NO_CONNECTION: ReadonlySet<unknown> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** No node answers at a URL. */
export class NodeUnreachableError extends Error {
  static override readonly name = 'NodeUnreachableError'
  override readonly name = 'NodeUnreachableError'
  readonly code = 'node-unreachable'

  constructor(url: string, why: string, options?: ErrorOptions) {
    super(`No node answers at ${url}: ${why}`, options)
  }

  /** Whether there was no connection, so that nobody can have had the request. */
  get hadNoConnection(): boolean {
    const reason = this.cause instanceof Error ? this.cause.cause : undefined
    if (!(reason instanceof Error)) return false
    return reason.message === 'bad port' || ('code' in reason && NO_CONNECTION.has(reason.code))
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

/** A file of blocks goes on with what is no block. */
export class BlockFileError extends Error {
  static override readonly name = 'BlockFileError'
  override readonly name = 'BlockFileError'
  readonly code = 'block-file'
  /** Where in the file, in bytes. */
  readonly offset: number

  constructor(offset: number, why: string) {
    super(`At byte ${offset}: ${why}`)
    this.offset = offset
  }
}

/** An address cannot spend as much as it is to pay. */
export class InsufficientFundsError extends Error {
  static override readonly name = 'InsufficientFundsError'
  override readonly name = 'InsufficientFundsError'
  readonly code = 'insufficient-funds'
}

/** What was waited for did not come in time, or cannot come any more. */
export class NotInTimeError extends Error {
  static override readonly name = 'NotInTimeError'
  override readonly name = 'NotInTimeError'
  readonly code = 'not-in-time'
}

/** A chain left the branch that was being read. */
export class BranchChangedError extends Error {
  static override readonly name = 'BranchChangedError'
  override readonly name = 'BranchChangedError'
  readonly code = 'branch-changed'

  constructor(height: number) {
    super(
      `Block ${height} does not build on the one before: the chain went to another branch; leave out --to, or try again`,
    )
  }
}

/** A file or directory the node needs cannot be used. */
export class UnusableFileError extends Error {
  static override readonly name = 'UnusableFileError'
  override readonly name = 'UnusableFileError'
  readonly code = 'unusable-file'
  readonly path: string

  constructor(what: string, path: string, why: string, options?: ErrorOptions) {
    super(`Cannot use the ${what} ${path}: ${why}`, options)
    this.path = path
  }
}

/** Another program listens on a port the node needs. */
export class PortInUseError extends Error {
  static override readonly name = 'PortInUseError'
  override readonly name = 'PortInUseError'
  readonly code = 'port-in-use'
  readonly port: number

  constructor(what: string, host: string, port: number, hint: string, options?: ErrorOptions) {
    super(`Cannot listen for ${what} on ${host}:${port}: the port is in use; ${hint}`, options)
    this.port = port
  }
}

/** The node cannot listen on an address that it is set to. */
export class CannotListenError extends Error {
  static override readonly name = 'CannotListenError'
  override readonly name = 'CannotListenError'
  readonly code = 'cannot-listen'
  readonly host: string
  readonly port: number

  constructor(what: string, host: string, port: number, why: string, options?: ErrorOptions) {
    super(`Cannot listen for ${what} on ${host}:${port}: ${why}`, options)
    this.host = host
    this.port = port
  }
}

/** A message that only an authority of the genesis file may send. */
export class NotAuthorityError extends Error {
  static override readonly name = 'NotAuthorityError'
  override readonly name = 'NotAuthorityError'
  readonly code = 'not-authority'

  constructor(kind: string, peerId: string, authorities: Iterable<string>) {
    super(`${peerId} may not send ${kind}: the genesis file lists as authorities only ${[...authorities].join(', ')}`)
  }
}

/** A message names a zone that the genesis file does not have. */
export class UnknownZoneError extends Error {
  static override readonly name = 'UnknownZoneError'
  override readonly name = 'UnknownZoneError'
  readonly code = 'unknown-zone'

  constructor(zone: string, known: Iterable<string>) {
    super(`There is no zone "${zone}"; the genesis file has ${[...known].join(', ')}`)
  }
}

/** A message says nothing any more when it is sent, so that nobody would take it. */
export class ExpiredError extends Error {
  static override readonly name = 'ExpiredError'
  override readonly name = 'ExpiredError'
  readonly code = 'expired'

  constructor(kind: string, expiresAtMs: number, nowMs: number) {
    super(`expected a time after now, ${nowMs}, got ${expiresAtMs}: nobody takes an ${kind} that has expired`)
  }
}

/** A sample day names a meter that the devnet does not have. */
export class UnknownMeterError extends Error {
  static override readonly name = 'UnknownMeterError'
  override readonly name = 'UnknownMeterError'
  readonly code = 'unknown-meter'

  constructor(meter: string) {
    super(`A devnet has no meter "${meter}": its genesis.yaml names those that it has, such as north-solar-000`)
  }
}

/** The nodes of a devnet do not come to one chain. */
export class NotSettledError extends Error {
  static override readonly name = 'NotSettledError'
  override readonly name = 'NotSettledError'
  readonly code = 'not-settled'

  constructor(state: string, deadlineMs: number) {
    super(`After ${deadlineMs / 1_000} s the nodes have not settled: ${state}`)
  }
}

/** A node is to keep a chain of which its genesis file says nothing. */
export class NoChainInGenesisError extends Error {
  static override readonly name = 'NoChainInGenesisError'
  override readonly name = 'NoChainInGenesisError'
  readonly code = 'no-chain-in-genesis'
  /** Path of the genesis file. */
  readonly path: string

  constructor(path: string) {
    super(`chain.enabled is true, and the genesis file ${path} has no time, so no chain: give it one, or switch it off`)
    this.path = path
  }
}

/** A node was asked to stop before it had started. */
export class NodeStoppedError extends Error {
  static override readonly name = 'NodeStoppedError'
  override readonly name = 'NodeStoppedError'
  readonly code = 'node-stopped'

  constructor() {
    super('The node was stopped before it had started; a stopped node stays stopped')
  }
}

/** A module did not do what a node needs of it. */
export class ModuleFailedError extends Error {
  static override readonly name = 'ModuleFailedError'
  override readonly name = 'ModuleFailedError'
  readonly code = 'module-failed'
  /** Name of the module. */
  readonly module: string
  /** What it was at: `factory`, or a step of its life, `start` say. */
  readonly step: string

  constructor(module: string, step: string, cause: unknown) {
    super(`Module ${module} failed in ${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.module = module
    this.step = step
  }
}

/** Something is open that a shutdown should have closed. */
export class LeftoverError extends Error {
  static override readonly name = 'LeftoverError'
  override readonly name = 'LeftoverError'
  readonly code = 'leftover'

  constructor(what: string, count: number) {
    super(`${count} ${what} are still open after the shutdown`)
  }
}

/** Says in words why the file system refused. */
export function fileProblem(what: string, path: string, cause: unknown): UnusableFileError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const words: Record<string, string> = {
    ENOENT: 'it does not exist',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a directory',
    ENOTDIR: 'a part of the path is not a directory',
    EEXIST: 'something else is in the way',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
  }
  return new UnusableFileError(what, path, words[code] ?? String(cause), { cause })
}

const CANNOT_LISTEN: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission denied, as it is for ports below 1024 on many systems',
  EAFNOSUPPORT: 'this machine has no addresses of that kind',
  EINVAL: 'it is no address to listen on',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up',
}

/** Turns the failure to listen into a `PortInUseError` or a `CannotListenError` where it is one. */
export function listenProblem(what: string, host: string, port: number, hint: string, cause: unknown): unknown {
  // libp2p says it in its message alone, and others in what they were caused by.
  const text = `${String(cause)} ${cause instanceof Error ? String(cause.cause) : ''}`
  if (text.includes('EADDRINUSE')) return new PortInUseError(what, host, port, hint, { cause })
  const [, why] = Object.entries(CANNOT_LISTEN).find(([code]) => text.includes(code)) ?? []
  return why === undefined ? cause : new CannotListenError(what, host, port, why, { cause })
}

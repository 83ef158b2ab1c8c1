/** Why bytes were not read. */
export type MalformedCode =
  | 'truncated'
  | 'trailing-bytes'
  | 'unsafe-integer'
  | 'oversize'
  | 'empty'
  | 'not-descending'
  | 'duplicate'
  | 'unknown-version'
  | 'unknown-value'

/** Bytes are not the one encoding of a message. */
export class MalformedMessageError extends Error {
  static override readonly name = 'MalformedMessageError'
  override readonly name = 'MalformedMessageError'
  readonly code: MalformedCode

  constructor(code: MalformedCode, what: string, detail: string) {
    super(`Malformed ${what}: ${code}: ${detail}`)
    this.code = code
  }
}

/** Whoever was asked did not answer in time. */
export class RequestTimeoutError extends Error {
  static override readonly name = 'RequestTimeoutError'
  override readonly name = 'RequestTimeoutError'
  readonly code = 'timeout'
  readonly timeoutMs: number

  constructor(what: string, timeoutMs: number) {
    super(`${what} did not answer within ${timeoutMs} ms`)
    this.timeoutMs = timeoutMs
  }
}

/** A request or a run is not waited for any more: the sync stops, or the peer is gone. */
export class SyncStoppedError extends Error {
  static override readonly name = 'SyncStoppedError'
  override readonly name = 'SyncStoppedError'
  readonly code = 'stopped'

  constructor(message = 'The sync has stopped') {
    super(message)
  }
}

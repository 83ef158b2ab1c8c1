import type { Reason } from '@gridmesh/interfaces'

/** A limit of the pool, or a ban, does not let the connection be. */
export class ConnectionRefusedError extends Error {
  static override readonly name = 'ConnectionRefusedError'
  override readonly name = 'ConnectionRefusedError'
  /** The code of the reason. */
  readonly code: string
  /** Which limit applied, and its value. */
  readonly reason: Reason

  constructor(reason: Reason, options?: ErrorOptions) {
    super(`Connection refused: ${reason.code}: ${reason.message}`, options)
    this.code = reason.code
    this.reason = reason
  }
}

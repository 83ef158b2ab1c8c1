import { RateLimitedError } from '@gridmesh/interfaces'
import { TimeoutError } from '@libp2p/interface'
import { BusyError, RemoteError, UnknownHandlerError } from './errors.ts'
import type { WireError } from './wire.ts'

/** What of an error may cross the wire: code and message, and the limit and retry time where it has them. */
export function toWireError(error: unknown): WireError {
  const wire: WireError = { code: 'handler-failed', message: '', retryAfterMs: 0, limit: '', value: 0 }
  if (!(error instanceof Error)) return wire
  wire.message = error.message
  if ('code' in error && typeof error.code === 'string' && error.code !== '') wire.code = error.code
  if ('retryAfterMs' in error && typeof error.retryAfterMs === 'number') wire.retryAfterMs = error.retryAfterMs
  if ('limit' in error && typeof error.limit === 'string') wire.limit = error.limit
  if ('value' in error && typeof error.value === 'number') wire.value = error.value
  return wire
}

/** The error a caller gets for what the remote side said about its call to `name`. */
export function fromWireError(error: WireError, name: string): Error {
  switch (error.code) {
    case 'busy':
      return new BusyError(error.limit, error.value, error.retryAfterMs)
    case 'rate-limited':
      return new RateLimitedError(error.limit, error.value, error.retryAfterMs)
    case 'unknown-handler':
      return new UnknownHandlerError(name)
    case 'waited-too-long':
      // It is over here too, in a moment or where the far side's `maxDeadlineMs` is shorter.
      return new TimeoutError(error.message)
    default: {
      const { code, message, retryAfterMs } = error
      const limit = error.limit === '' ? {} : { limit: error.limit, value: error.value }
      return new RemoteError(code, message, { ...limit, retryAfterMs })
    }
  }
}

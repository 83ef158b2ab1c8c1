import { HandshakeRejectedError, type PeerReport, type Reason } from '@gridmesh/interfaces'
import { HandshakeViolationError } from './errors.ts'
import { isUnsupported, reason } from './reasons.ts'
import { toError } from './timing.ts'

/** Why a handshake did not make a peer ready. */
export interface Failure {
  reason: Reason
  by: 'us' | 'them'
  /** What waiting callers get. */
  error: Error
  /** The peer was judged; a connection that was merely lost was not. */
  isRefusal: boolean
  /** What the peer is to be blamed for. To be on another network is nobody's fault. */
  report?: PeerReport
}

/** What the classification depends on beside the error. */
export interface FailureContext {
  deadlineMs: number
  /** The time was spent in our own `credentials` or `authorise`. */
  isOurTurn: boolean
}

/** Turns whatever ended a handshake into a reason, an error and, where it is due, blame. */
export function explainFailure(thrown: unknown, context: FailureContext): Failure {
  const cause = toError(thrown)
  if (cause instanceof HandshakeRejectedError) {
    return { reason: cause.reason, by: cause.by, error: cause, isRefusal: true }
  }
  if (cause instanceof HandshakeViolationError) {
    return { ...refused(reason('protocol-violation', cause.message, limitOf(cause)), cause), report: blame(cause) }
  }
  switch (cause.name) {
    case 'TimeoutError': {
      const timeout = reason('timeout', cause.message, { limit: 'deadlineMs', value: context.deadlineMs })
      const failure: Failure = { reason: timeout, by: 'us', error: cause, isRefusal: true }
      return context.isOurTurn ? failure : { ...failure, report: { class: 'slow', evidence: cause.message } }
    }
    case 'UnsupportedProtocolError':
      return refused(isUnsupported(cause.message), cause)
    default:
      return closed(cause)
  }
}

/** The failure of a handshake with a peer that does not speak it. */
export function toleratedFailure(cause: Error): Failure {
  return refused(isUnsupported('the peer does not speak the handshake'), cause)
}

/** The report for a violation. */
export function blame(violation: HandshakeViolationError): PeerReport {
  return { class: violation.report, evidence: violation.message }
}

function refused(why: Reason, cause: Error): Failure {
  return { reason: why, by: 'us', error: new HandshakeRejectedError(why, 'us', { cause }), isRefusal: true }
}

function closed(cause: Error): Failure {
  const why = reason('closed', `the connection was lost during the handshake: ${cause.message}`)
  return { reason: why, by: 'them', error: new HandshakeRejectedError(why, 'them', { cause }), isRefusal: false }
}

function limitOf({ limit, value }: HandshakeViolationError): Pick<Reason, 'limit' | 'value'> {
  return { ...(limit != null && { limit }), ...(value != null && { value }) }
}

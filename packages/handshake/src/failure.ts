import { HandshakeRejectedError, type PeerReport, type Reason } from '@gridmesh/interfaces'
import { HandshakeViolationError } from './errors.ts'
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
  if (cause instanceof HandshakeViolationError) return refused('protocol-violation', cause, { report: blame(cause) })
  switch (cause.name) {
    case 'TimeoutError': {
      const reason = { code: 'timeout', message: cause.message, limit: 'deadlineMs', value: context.deadlineMs }
      const failure: Failure = { reason, by: 'us', error: cause, isRefusal: true }
      return context.isOurTurn ? failure : { ...failure, report: { class: 'slow', evidence: cause.message } }
    }
    case 'UnsupportedProtocolError':
      return refused('unsupported', cause)
    default:
      return closed(cause)
  }
}

/** The report for a violation. */
export function blame(violation: HandshakeViolationError): PeerReport {
  return { class: violation.report, evidence: violation.message }
}

function refused(code: string, cause: Error, extra?: Pick<Failure, 'report'>): Failure {
  const reason = { code, message: cause.message }
  return { reason, by: 'us', error: new HandshakeRejectedError(reason, 'us', { cause }), isRefusal: true, ...extra }
}

function closed(cause: Error): Failure {
  const reason = { code: 'closed', message: `the connection was lost during the handshake: ${cause.message}` }
  return { reason, by: 'them', error: new HandshakeRejectedError(reason, 'them', { cause }), isRefusal: false }
}

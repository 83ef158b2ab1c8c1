import type { Reason } from '@gridmesh/interfaces'

/**
 * Why a handshake is refused. When both sides refuse for different reasons, the first in this list stands for both.
 */
export const REFUSAL_CODES = [
  'wrong-chain',
  'wrong-genesis',
  'no-common-version',
  'clock-skew',
  'unauthorised',
  'duplicate',
  'busy',
] as const

/** Code of a refusal. A network's own `authorise` may add codes to these. */
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** Every code that this package gives a reason: refusals first, then what else ends a handshake or a link. */
export const REASON_CODES = [
  ...REFUSAL_CODES,
  'timeout',
  'closed',
  'not-connected',
  'unsupported',
  'unavailable',
  'protocol-violation',
  'shutting-down',
] as const

/** Code of a reason of this package. */
export type ReasonCode = (typeof REASON_CODES)[number]

/** What a reason of this package consists of, without the code and the words. */
type Limit = Pick<Reason, 'limit' | 'value'>

/** Builds a reason with one of the known codes. */
export function reason(code: ReasonCode, message: string, { limit, value }: Limit = {}): Reason {
  return { code, message, ...(limit != null && { limit }), ...(value != null && { value }) }
}

/** The node ends, and all its links with it. */
export const SHUTTING_DOWN = reason('shutting-down', 'this node is shutting down')

/** The peer does not speak the handshake. */
export function isUnsupported(message: string): Reason {
  return reason('unsupported', message, { limit: 'unknownPeers' })
}

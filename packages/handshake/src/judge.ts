import type { Hello, Reason } from '@gridmesh/interfaces'
import { DEFAULT_MAX_CLOCK_SKEW_MS } from './constants.ts'

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

/** What two Hellos come to. */
export type Judgement = { ok: true; version: number; capabilities: readonly string[] } | { ok: false; reason: Reason }

/** What the judgement depends on beside the two Hellos. */
export interface JudgeOptions {
  /** How far apart the two clocks may be, in ms. @default 30_000 */
  maxClockSkewMs?: number
}

/** Builds a refusal with one of the known codes. */
export function refusal(code: RefusalCode, message: string, limit?: string, value?: number): Reason {
  return { code, message, ...(limit != null && { limit }), ...(value != null && { value }) }
}

/**
 * Judges two Hellos. Depends on nothing else, and exchanging the two changes only the words: both sides of a
 * connection find the same code, or the same version and capabilities.
 */
export function judge(ours: Hello, theirs: Hello, options: JudgeOptions = {}): Judgement {
  const reason = findRefusal(ours, theirs, options.maxClockSkewMs ?? DEFAULT_MAX_CLOCK_SKEW_MS)
  if (reason != null) return { ok: false, reason }
  const theirCapabilities = new Set(theirs.capabilities)
  const shared = new Set(ours.capabilities.filter((capability) => theirCapabilities.has(capability)))
  return { ok: true, version: Math.min(ours.protocol.max, theirs.protocol.max), capabilities: [...shared].toSorted() }
}

function findRefusal(ours: Hello, theirs: Hello, maxClockSkewMs: number): Reason | undefined {
  if (theirs.chainId !== ours.chainId) {
    return refusal('wrong-chain', `chain id "${theirs.chainId}" came, "${ours.chainId}" was expected`)
  }
  if (theirs.genesisHash !== ours.genesisHash) {
    return refusal('wrong-genesis', `genesis hash "${theirs.genesisHash}" came, "${ours.genesisHash}" was expected`)
  }
  const [came, expected] = [theirs.protocol, ours.protocol]
  if (Math.max(came.min, expected.min) > Math.min(came.max, expected.max)) {
    const message = `versions ${came.min} to ${came.max} came, ${expected.min} to ${expected.max} were expected`
    return refusal('no-common-version', message)
  }
  const skewMs = Math.abs(theirs.timeMs - ours.timeMs)
  if (skewMs > maxClockSkewMs) {
    const message = `the clocks are ${skewMs} ms apart, at most ${maxClockSkewMs} ms was expected`
    return refusal('clock-skew', message, 'maxClockSkewMs', maxClockSkewMs)
  }
  return undefined
}

/**
 * Settles what both sides said of the handshake: ready only when neither refused. Two different refusals settle on
 * the same one on both sides.
 */
export function settle(
  ours: Reason | undefined,
  theirs: Reason | undefined,
): { reason: Reason; by: 'us' | 'them' } | undefined {
  if (ours == null) return theirs && { reason: theirs, by: 'them' }
  if (theirs == null || !precedes(theirs.code, ours.code)) return { reason: ours, by: 'us' }
  return { reason: theirs, by: 'them' }
}

function precedes(a: string, b: string): boolean {
  return rank(a) < rank(b) || (rank(a) === rank(b) && a < b)
}

function rank(code: string): number {
  const index = REFUSAL_CODES.findIndex((known) => known === code)
  return index === -1 ? REFUSAL_CODES.length : index
}

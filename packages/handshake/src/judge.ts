import type { Hello, Reason } from '@gridmesh/interfaces'
import { DEFAULT_MAX_CLOCK_SKEW_MS } from './constants.ts'
import { reason, REFUSAL_CODES } from './reasons.ts'

/** What two Hellos come to. */
export type Judgement = { ok: true; version: number; capabilities: readonly string[] } | { ok: false; reason: Reason }

/** What the judgement depends on beside the two Hellos. */
export interface JudgeOptions {
  /** How far apart the two clocks may be, in ms. @default 30_000 */
  maxClockSkewMs?: number
}

/**
 * Judges two Hellos. Depends on nothing else, and exchanging the two changes only the words: both sides of a
 * connection find the same code, or the same version and capabilities.
 */
export function judge(ours: Hello, theirs: Hello, options: JudgeOptions = {}): Judgement {
  const refusal = findRefusal(ours, theirs, options.maxClockSkewMs ?? DEFAULT_MAX_CLOCK_SKEW_MS)
  if (refusal != null) return { ok: false, reason: refusal }
  const theirCapabilities = new Set(theirs.capabilities)
  const shared = new Set(ours.capabilities.filter((capability) => theirCapabilities.has(capability)))
  return { ok: true, version: Math.min(ours.protocol.max, theirs.protocol.max), capabilities: [...shared].toSorted() }
}

function findRefusal(ours: Hello, theirs: Hello, maxClockSkewMs: number): Reason | undefined {
  if (theirs.chainId !== ours.chainId) {
    const message = `chain id "${theirs.chainId}" came, "${ours.chainId}" was expected`
    return reason('wrong-chain', message, { limit: 'chainId' })
  }
  if (theirs.genesisHash !== ours.genesisHash) {
    const message = `genesis hash "${theirs.genesisHash}" came, "${ours.genesisHash}" was expected`
    return reason('wrong-genesis', message, { limit: 'genesisHash' })
  }
  const [came, expected] = [theirs.protocol, ours.protocol]
  if (Math.max(came.min, expected.min) > Math.min(came.max, expected.max)) {
    const message = `versions ${came.min} to ${came.max} came, ${expected.min} to ${expected.max} were expected`
    const bound = came.max < expected.min ? 'min' : 'max'
    return reason('no-common-version', message, { limit: `protocol.${bound}`, value: expected[bound] })
  }
  const skewMs = Math.abs(theirs.timeMs - ours.timeMs)
  if (skewMs > maxClockSkewMs) {
    const message = `the clocks are ${skewMs} ms apart, at most ${maxClockSkewMs} ms was expected`
    return reason('clock-skew', message, { limit: 'maxClockSkewMs', value: maxClockSkewMs })
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

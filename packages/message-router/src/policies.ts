import type { ReportClass } from '@gridmesh/interfaces'

/**
 * What follows from a refused message for the peer that handed it to us.
 *
 * - `ignore`: nothing
 * - `report`: it is blamed, and a broadcast is rejected
 * - `disconnect`: as `report`, and the connection is closed
 */
export type PolicyAction = 'ignore' | 'report' | 'disconnect'

/** What follows from one error code. */
export interface Policy {
  action: PolicyAction
  /** What the peer is blamed for. @default the class that the error itself names, else 'invalid-message' */
  class?: ReportClass
}

/** Policies by error code. */
export type Policies = Readonly<Record<string, Policy>>

const ACTIONS: readonly PolicyAction[] = ['ignore', 'report', 'disconnect']

/**
 * The policies that hold unless the options say otherwise. A relay opens a message before it passes it on, so the
 * peer that hands us a bad one is to blame, whoever wrote it. Codes of the envelope that are not listed follow the
 * class that its error names.
 */
export const DEFAULT_POLICIES: Policies = Object.freeze({
  malformed: { action: 'report', class: 'protocol-violation' },
  'too-large': { action: 'report', class: 'protocol-violation' },
  invalid: { action: 'report', class: 'invalid-message' },
  'wrong-recipient': { action: 'report', class: 'protocol-violation' },
  'wrong-reply': { action: 'report', class: 'protocol-violation' },
  // A newer node may know kinds that we do not.
  'unknown-kind': { action: 'ignore' },
  ignored: { action: 'ignore' },
  // Redelivery over another path and a clock that runs off are nobody's malice.
  replay: { action: 'ignore' },
  'clock-skew': { action: 'ignore' },
  // Our own faults.
  'validator-threw': { action: 'ignore' },
  'validator-timeout': { action: 'ignore' },
  'handler-threw': { action: 'ignore' },
  'handler-timeout': { action: 'ignore' },
  internal: { action: 'ignore' },
})

/** Merges `overrides` into the defaults. @throws {RangeError} when an action or a class is none */
export function mergePolicies(overrides: Policies = {}): Policies {
  const classes = Object.keys(REPORT_CLASSES)
  for (const [code, { action, class: blamed }] of Object.entries(overrides)) {
    if (!ACTIONS.includes(action)) {
      throw new RangeError(`policies.${code}.action ${action} must be one of ${ACTIONS.join(', ')}`)
    }
    // The peer manager takes no report of a class that there is not, so nobody would be blamed.
    if (blamed !== undefined && !classes.includes(blamed)) {
      throw new RangeError(`policies.${code}.class ${blamed} must be one of ${classes.join(', ')}`)
    }
  }
  return { ...DEFAULT_POLICIES, ...overrides }
}

/** Classes by which an error says that nobody is to blame. */
const BLAMELESS: ReadonlySet<ReportClass> = new Set<ReportClass>(['useful', 'absent'])

/** What follows from `fault`; an error that is in no table and names no class blames nobody. */
export function policyFor(policies: Policies, fault: Fault): Required<Policy> {
  const policy = Object.hasOwn(policies, fault.code) ? policies[fault.code] : undefined
  const isBlamed = fault.class != null && !BLAMELESS.has(fault.class)
  return {
    action: policy?.action ?? (isBlamed ? 'report' : 'ignore'),
    class: policy?.class ?? (isBlamed ? fault.class : undefined) ?? 'invalid-message',
  }
}

/** An error as the table sees it. */
export interface Fault {
  code: string
  /** The class the error names itself. */
  class?: ReportClass
}

/** Reads code and class from an error of ours or of the envelope; anything else is a fault of this node. */
export function faultOf(err: unknown): Fault {
  if (!(err instanceof Error)) return { code: 'internal' }
  const code = 'code' in err && typeof err.code === 'string' ? err.code : undefined
  const named = 'report' in err && isReportClass(err.report) ? err.report : undefined
  if (code == null) return named == null ? { code: 'internal' } : { code: 'unnamed', class: named }
  return named == null ? { code } : { code, class: named }
}

/** Codes of the envelope that tell of this node, and nothing of the message. */
const OWN_DOING: ReadonlySet<string> = new Set(['busy', 'not-started', 'sender-limit', 'signer-failed'])

/** Whether the message may well be in order, and was refused because of this node: a later copy deserves a look. */
export function isOwnDoing(err: unknown): boolean {
  return OWN_DOING.has(faultOf(err).code)
}

const REPORT_CLASSES: Readonly<Record<ReportClass, true>> = {
  useful: true,
  slow: true,
  absent: true,
  'rate-limited': true,
  'protocol-violation': true,
  'invalid-message': true,
  'invalid-signature': true,
  'provable-lie': true,
}

function isReportClass(value: unknown): value is ReportClass {
  return typeof value === 'string' && Object.hasOwn(REPORT_CLASSES, value)
}

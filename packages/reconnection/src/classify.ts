import type { Parting } from '@gridmesh/interfaces'
import { MAX_ERRORS_LOOKED_AT } from './constants.ts'
import {
  BROKEN_UPGRADE,
  BY_MESSAGE,
  BY_NAME,
  BY_OWN_REASON_CODE,
  BY_REASON_CODE,
  BY_SYSTEM_CODE,
  LEFT,
  REFUSALS,
  UNKNOWN,
  WRAPPERS,
  type RetryAction,
  type Verdict,
} from './verdicts.ts'

const HOPE: readonly RetryAction[] = ['retry', 'retry-later', 'never']

/**
 * Tells what a failed dial or handshake means. Goes by `code` and `name`, never by class, since two copies of a package
 * have two classes. Several errors, one per address, come to the most hopeful; an error that is not known by itself is
 * judged by its cause; one that no table knows is worth a `retry`. Never throws.
 */
export function classify(error: unknown): Verdict {
  return look(error, { left: MAX_ERRORS_LOOKED_AT }) ?? UNKNOWN
}

/** Tells what the code of a refusal or a goodbye means. One that no table knows is taken for `retry-later`. */
export function classifyCode(code: string): Verdict {
  return at(BY_REASON_CODE, code) ?? { action: 'retry-later', reason: code }
}

/** Tells what a parting means, whoever parts. One that nobody explains is taken for ours. */
export function classifyParting(parting: Parting | undefined): Verdict {
  if (parting?.by === 'them') return classifyCode(parting.reason.code)
  return at(BY_OWN_REASON_CODE, parting?.reason.code) ?? LEFT
}

/** `budget` is shared by the whole search: errors may nest, and even hold themselves. */
function look(error: unknown, budget: { left: number }): Verdict | undefined {
  if (typeof error !== 'object' || error === null || budget.left <= 0) return undefined
  budget.left -= 1
  const { name, code, message, errors, cause } = fieldsOf(error)
  if (name !== undefined && REFUSALS.has(name) && code !== undefined) return classifyCode(code)
  const known = at(BY_SYSTEM_CODE, code) ?? at(BY_REASON_CODE, code) ?? at(BY_NAME, name)
  if (known !== undefined) return known
  if (name !== undefined && WRAPPERS.has(name)) return unwrap(message)
  return mostHopeful(errors ?? [], budget) ?? look(cause, budget)
}

/** The few fields that matter. Reading one may throw, where an object was made to. */
function fieldsOf(error: object): {
  name?: string
  code?: string
  message?: string
  errors?: unknown[]
  cause?: unknown
} {
  const read = (field: string): unknown => {
    try {
      return Reflect.get(error, field)
    } catch {
      return undefined
    }
  }
  const [name, code, message] = [read('name'), read('code'), read('message')]
  const errors = read('errors')
  return {
    ...(typeof name === 'string' && { name }),
    ...(typeof code === 'string' && { code }),
    ...(typeof message === 'string' && { message }),
    ...(Array.isArray(errors) && { errors }),
    cause: read('cause'),
  }
}

/** libp2p keeps nothing but the message of what failed while a connection was secured. */
function unwrap(message = ''): Verdict {
  return BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ?? BROKEN_UPGRADE
}

function mostHopeful(errors: readonly unknown[], budget: { left: number }): Verdict | undefined {
  const verdicts = errors.slice(0, budget.left).flatMap((error) => look(error, budget) ?? [])
  return verdicts.toSorted((a, b) => HOPE.indexOf(a.action) - HOPE.indexOf(b.action))[0]
}

function at(table: Readonly<Record<string, Verdict>>, key: string | undefined): Verdict | undefined {
  return key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined
}

import { z } from 'zod'

/** Characters of a wrong value that are shown. */
const MAX_SHOWN = 80

const WORDS: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  array: 'a list',
  object: 'an object',
}

/** A wrong value as it came, cut where it is long. */
export function shown(value: unknown): string {
  // JSON has no Infinity and no NaN.
  const text = typeof value === 'number' ? String(value) : jsonOf(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'nothing'
  } catch {
    // Parsing takes lists in lists beyond what the stack holds, printing does not.
    return 'what nests too deep to be shown'
  }
}

/** A text that names the value and the rule where it is another one. */
export function textOf(pattern: RegExp, rule: string): z.ZodString {
  const error = ({ input }: { input?: unknown }): string => `expected ${rule}, got ${shown(input)}`
  return z.string({ error }).regex(pattern, { error })
}

/** Says of a value what was expected and what came, where its schema does not say so itself. Pass it as zod's `error`. */
export const faultText: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'unrecognized_keys') return `expected no other field, got ${shown(issue.keys.join(', '))}`
  const rule = ruleOf(issue)
  return rule === undefined ? undefined : `expected ${rule}, got ${shown(issue.input)}`
}

function ruleOf(issue: z.core.$ZodRawIssue): string | undefined {
  const { code } = issue
  if (code === 'invalid_type') return WORDS[issue.expected] ?? issue.expected
  if (code === 'invalid_value') return `one of ${issue.values.join(', ')}`
  if (code === 'too_small') {
    return `${sizeOf(issue.origin)} ${issue.inclusive === false ? 'above' : 'of at least'} ${issue.minimum}`
  }
  if (code === 'too_big') {
    return `${sizeOf(issue.origin)} ${issue.inclusive === false ? 'below' : 'of at most'} ${issue.maximum}`
  }
  return undefined
}

function sizeOf(origin: string): string {
  const word = WORDS[origin] ?? origin
  return origin === 'string' || origin === 'array' ? `${word} with a length` : word
}

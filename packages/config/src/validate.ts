import { z } from 'zod'
import { REDACTED } from './constants.ts'
import { problem, type ConfigProblem } from './errors.ts'
import { expectation, received, schemaAt, shortened } from './expectation.ts'
import type { Layers } from './layers.ts'
import { nearest } from './nearest.ts'
import { environmentName, formatPath, getAt } from './paths.ts'
import { settingAt, type Section, type Setting } from './settings.ts'

/** Stands as the message of every issue for which the schema has no message of its own. */
const NO_MESSAGE = '\0'

/** What validation needs beside the schema. */
interface Validation {
  root: Section
  layers: Layers
  envPrefix: string
  flagName: (path: string) => string
}

/** Validates merged settings. Gives either a value or problems. */
export function validate<S extends z.core.$ZodType>(
  schema: S,
  context: Validation,
): { value: z.core.output<S> } | { problems: ConfigProblem[] } {
  const result = z.safeParse(schema, context.layers.raw, { error: () => NO_MESSAGE })
  if (result.success) return { value: result.data }
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, context))
  return { problems: [...new Map(problems.map((found) => [found.message, found])).values()] }
}

function problemsOf(issue: z.core.$ZodIssue, context: Validation): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(issue.path, key, context))
  const { root, layers } = context
  const setting = settingAt(root, issue.path)
  const value = getAt(layers.raw, issue.path)
  const came = received(value, setting.isSecret)
  const sighting = layers.sighting(issue.path)
  const { expected, isOwn } = expectedOf(issue, setting, value)
  const text = `${isOwn ? expected : `expected ${expected}`}${came == null ? absence(setting, issue.path) : ending(came, isOwn, value)}`
  const help = value === undefined ? remedy(setting, context) : ''
  const where = { source: sighting?.source ?? 'default', place: sighting?.place, path: formatPath(issue.path) }
  return [problem({ ...where, expected, received: came, text: text + help })]
}

/** A default is only ever wrong beside the value of another setting. */
function absence({ fallback, isSecret, keys }: Setting, path: readonly PropertyKey[]): string {
  const stands = keys.length === path.length ? received(fallback, isSecret) : undefined
  return stands == null ? ', got nothing' : `, got ${stands} by default`
}

function ending(came: string, isOwn: boolean, value: unknown): string {
  // A rule over a whole section, in words of its own, gains nothing from "got a mapping".
  return isOwn && typeof value === 'object' ? '' : `, got ${came}`
}

function remedy({ kind, keys }: Setting, { envPrefix, flagName }: Validation): string {
  if (kind === 'section') return ''
  return `; set it in a file, with ${environmentName(envPrefix, keys)} or with ${flagName(keys.join('.'))}`
}

/** `isOwn`: the words are the schema's own and make a sentence without "expected". */
function expectedOf(issue: z.core.$ZodIssue, setting: Setting, value: unknown): { expected: string; isOwn: boolean } {
  if (issue.message !== NO_MESSAGE) {
    const own = setting.isSecret ? withoutSecret(issue.message, value) : issue.message
    const inner = /^expected (?<rest>.+)$/is.exec(own)?.groups?.['rest']
    return inner == null ? { expected: own, isOwn: true } : { expected: inner, isOwn: false }
  }
  if (issue.code === 'invalid_key') return { expected: 'another key', isOwn: false }
  const schema = schemaAt(setting.schema, issue.path.slice(setting.keys.length))
  const expected = schema == null ? 'another value' : expectation(schema)
  return { expected: issue.code === 'custom' ? `${expected} that passes its checks` : expected, isOwn: false }
}

/** A message that a schema makes from the value must not carry a secret out. */
function withoutSecret(message: string, value: unknown): string {
  if (typeof value === 'object' && value != null) return 'expected another value'
  const secret = String(value)
  return secret === '' ? message : message.replaceAll(secret, REDACTED)
}

function unknownKey(path: readonly PropertyKey[], key: string, { root, layers }: Validation): ConfigProblem {
  const setting = settingAt(root, path)
  const schema = schemaAt(setting.schema, path.slice(setting.keys.length))
  const def = schema?._zod.def
  const known = def != null && 'shape' in def ? Object.keys(Object(def.shape)) : []
  const suggestion = nearest(key, known)
  const hint = suggestion == null ? '' : `, did you mean ${JSON.stringify(suggestion)}?`
  const text = `unknown key ${JSON.stringify(shortened(key))}${hint}`
  const { source = 'default', place } = layers.sighting([...path, key]) ?? {}
  const names = { path: formatPath([...path, shortened(key)]), shownPath: formatPath(path), suggestion }
  return problem({ ...names, source, place, text, expected: 'a known key' })
}

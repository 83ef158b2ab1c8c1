import type { Collector } from './collect.ts'
import { problem, type ConfigProblem } from './errors.ts'
import { located } from './layers.ts'
import { nearest } from './nearest.ts'
import { environmentName } from './paths.ts'
import { parseText } from './parse-text.ts'
import { entryOf, settingAt, valuesOf, type Section, type Setting } from './settings.ts'

/** Reads the variables that begin with `prefix`, and names those that are no settings. */
export function collectEnvironment(
  collector: Collector,
  root: Section,
  env: Readonly<Record<string, string | undefined>>,
  { prefix, others }: { prefix: string; others: readonly string[] },
): ConfigProblem[] {
  const known = new Map(valuesOf(root).map((value) => [environmentName(prefix, value.keys), value]))
  const problems: ConfigProblem[] = []
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith(prefix) || others.includes(name)) continue
    const setting = known.get(name)
    if (setting != null) collector.collect(setting, located(parseText(setting.schema, text), { where: name }))
    else problems.push(unknownVariable(name, prefix, known.keys()))
  }
  return problems
}

/** Reads the flags, and names those that are no settings. */
export function collectFlags(
  collector: Collector,
  root: Section,
  flags: Readonly<Record<string, unknown>>,
  flagName: (path: string) => string,
): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  for (const [path, value] of Object.entries(flags)) {
    if (value === undefined) continue
    const setting = settingOfPath(root, path)
    if (setting == null) {
      problems.push(unknownFlag(path, valuesOf(root), flagName))
      continue
    }
    const given = typeof value === 'string' ? parseText(setting.schema, value) : value
    collector.collect(setting, located(given, { where: flagName(setting.keys.join('.')) }))
  }
  return problems
}

/** Below a record, all that is left of the path is the key, for keys such as `gridmesh:unicast` may hold dots. */
function settingOfPath(root: Section, path: string): Setting | undefined {
  const keys = path.split('.')
  // As the key of a record it would become a prototype.
  if (keys.includes('__proto__')) return undefined
  for (let length = 0; length < keys.length; length++) {
    const around = settingAt(root, keys.slice(0, length))
    if (around.kind === 'record') return entryOf(around, keys.slice(length).join('.'))
  }
  const found = settingAt(root, keys)
  return found.keys.length === keys.length ? found : undefined
}

function unknownVariable(name: string, prefix: string, known: Iterable<string>): ConfigProblem {
  // The prefix is in every name, so it would make all of them look alike.
  const ends = [...known].map((variable) => variable.slice(prefix.length))
  const end = nearest(name.slice(prefix.length), ends)
  const suggestion = end == null ? undefined : prefix + end
  const text = `unknown variable${hint(suggestion)}`
  return problem({ source: 'environment', place: { where: name }, path: '', text, expected: EXPECTED, suggestion })
}

function unknownFlag(path: string, known: readonly Setting[], flagName: (path: string) => string): ConfigProblem {
  const paths = known.map((setting) => setting.path)
  const suggestion = nearest(path, paths)
  const text = `unknown flag${hint(suggestion == null ? undefined : flagName(suggestion))}`
  const place = { where: flagName(path) }
  return problem({ source: 'flag', place, path, shownPath: '', text, expected: EXPECTED, suggestion })
}

const EXPECTED = 'a known setting'

function hint(suggestion: string | undefined): string {
  return suggestion == null ? '' : `, did you mean ${suggestion}?`
}

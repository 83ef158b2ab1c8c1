import type { z } from 'zod'
import { Collector, complete } from './collect.ts'
import { DEFAULT_ENV_PREFIX, DEFAULT_MAX_ALIASES, DEFAULT_MAX_FILE_BYTES } from './constants.ts'
import { ConfigError, type ConfigProblem } from './errors.ts'
import type { ConfigInit } from './index.ts'
import { Layers } from './layers.ts'
import { LoadedConfig } from './loaded-config.ts'
import { parseYaml } from './parse-yaml.ts'
import { defaultFlagName } from './paths.ts'
import { checkSize, readText } from './read-file.ts'
import { settingsOf, type Section } from './settings.ts'
import { collectEnvironment, collectFlags } from './sources.ts'
import type { Config } from './types.ts'
import { validate } from './validate.ts'

/** A text of settings from a file or profile. */
interface Text {
  source: 'profile' | 'file'
  file: string
  text: string
}

/** What the sources hold together, and what is wrong with them. */
interface Gathered {
  layers: Layers
  /** Texts that are no YAML: nothing was taken from them. */
  malformed: ConfigProblem[]
  /** Names and sections that do not fit the schema: nothing was taken from those. */
  misplaced: ConfigProblem[]
}

/** How variables and flags are called. */
interface Names {
  prefix: string
  flagName: (path: string) => string
}

/** Loads, merges and validates settings. See `loadConfig`. */
export function load<S extends z.core.$ZodType>(init: ConfigInit<S>): Config<z.core.output<S>> {
  const { schema, envPrefix = DEFAULT_ENV_PREFIX, flagName = defaultFlagName } = init
  const root = settingsOf(schema, envPrefix)
  const { layers, malformed, misplaced } = gather(init, root, { prefix: envPrefix, flagName })
  complete(root, layers.raw)
  const result = validate(schema, { root, layers, envPrefix, flagName })
  const found = 'problems' in result ? result.problems : []
  // Where nothing was taken from a text or a section, what seems to be missing may stand there.
  const invalid = found.filter(({ path, received }) => {
    return received != null || (malformed.length === 0 && !isWithinMisplaced(path, misplaced))
  })
  const problems = inOrder([...malformed, ...misplaced, ...invalid])
  if ('problems' in result || problems.length > 0) throw new ConfigError(problems)
  return new LoadedConfig(result.value, root, layers)
}

function gather(init: ConfigInit, root: Section, { prefix, flagName }: Names): Gathered {
  const { env = {}, otherEnv = [], flags = {}, maxAliases = DEFAULT_MAX_ALIASES } = init
  if (!(maxAliases >= 0)) throw new RangeError(`maxAliases ${maxAliases} must be at least 0`)
  const gathered: Gathered = { layers: new Layers(), malformed: [], misplaced: [] }
  for (const text of textsOf(init)) {
    const parsed = parseYaml({ ...text, maxAliases })
    gathered.malformed.push(...parsed.problems)
    const collector = new Collector(gathered.layers, root, text.source)
    if (parsed.root != null) collector.collect(root, parsed.root)
    gathered.misplaced.push(...collector.problems)
  }
  const fromEnv = new Collector(gathered.layers, root, 'environment')
  const strayEnv = collectEnvironment(fromEnv, root, env, { prefix, others: otherEnv })
  const fromFlags = new Collector(gathered.layers, root, 'flag')
  const strayFlags = collectFlags(fromFlags, root, flags, flagName)
  gathered.misplaced.push(...strayEnv, ...fromEnv.problems, ...strayFlags, ...fromFlags.problems)
  return gathered
}

function isWithinMisplaced(path: string, misplaced: readonly ConfigProblem[]): boolean {
  const sections = misplaced.filter(({ received }) => received != null)
  return sections.some((known) => known.path === '' || path === known.path || path.startsWith(`${known.path}.`))
}

function textsOf({ profile, file, maxFileBytes = DEFAULT_MAX_FILE_BYTES }: ConfigInit): Text[] {
  if (!(maxFileBytes >= 0)) throw new RangeError(`maxFileBytes ${maxFileBytes} must be at least 0`)
  const texts: Text[] = []
  if (profile != null) texts.push({ source: 'profile', file: profile.path ?? profile.name, text: profile.text })
  if (file != null) {
    const text = 'text' in file ? file.text : readText(file.path, maxFileBytes)
    texts.push({ source: 'file', file: file.path, text })
  }
  for (const { file: path, text } of texts) checkSize(path, Buffer.byteLength(text), maxFileBytes)
  return texts
}

const ORDER = ['profile', 'file', 'environment', 'flag', 'default'] as const

/** By source, and within a file by line. */
function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return problems.toSorted(
    (a, b) =>
      ORDER.indexOf(a.source) - ORDER.indexOf(b.source) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  )
}

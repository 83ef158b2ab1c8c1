/**
 * @packageDocumentation
 *
 * Loads settings for any zod 4 schema from defaults, a profile, a YAML file, the environment and flags; later ones win.
 * Every value knows where it came from, and one error names everything that is wrong, with file, line and column.
 *
 * Not for settings that change while a program runs: a loaded configuration is frozen.
 *
 * @example
 *
 * ```ts
 * import { loadConfig, secret } from '@gridmesh/config'
 * import { z } from 'zod'
 *
 * const schema = z.strictObject({
 *   p2p: z.strictObject({ port: z.int().min(0).max(65_535).default(9000).describe('TCP port to listen on') }),
 *   token: secret(z.string().min(16)).optional(),
 * })
 * const config = loadConfig({ schema, file: { path: 'node.yaml', text: 'p2p:\n  port: 9001\n' }, env: {} })
 *
 * config.value.p2p.port // 9001
 * config.origin('p2p.port') // { source: 'file', where: 'node.yaml:2:9' }
 * ```
 */
import type { z } from 'zod'
import type { Config } from './types.ts'
import { load } from './load.ts'

/** A text of settings and the name that errors give it. */
export interface FileText {
  /** Shown in errors and origins. */
  path: string
  text: string
}

/** A file of settings, read and parsed as YAML 1.2 in UTF-8. */
export interface FilePath {
  path: string
}

/** A named set of settings that stands between the defaults and the file. */
export interface Profile {
  name: string
  /** YAML. */
  text: string
  /** Shown in errors and origins. @default the name */
  path?: string
}

/** What to load, and from where. */
export interface ConfigInit<S extends z.core.$ZodType = z.core.$ZodType> {
  /** Describes every setting: an object of settings and of further objects, each a section. Defaults live here. */
  schema: S
  /** Settings that win over defaults. @default none */
  profile?: Profile
  /** Settings that win over the profile: a path to read, or a text. @default none */
  file?: FilePath | FileText
  /** Variables that win over the file. Only those that begin with `envPrefix` are looked at. @default {} */
  env?: Readonly<Record<string, string | undefined>>
  /** First part of the name of every variable. @default 'GRIDMESH_' */
  envPrefix?: string
  /** Variables that begin with `envPrefix` and are no settings, full names; others are errors. @default [] */
  otherEnv?: readonly string[]
  /**
   * Values that win over all others, by dotted path such as `p2p.port`; text is read as in the environment and
   * `undefined` is passed over. @default {}
   */
  flags?: Readonly<Record<string, unknown>>
  /**
   * Says what errors and origins call the flag of a dotted path, such as `--set p2p.port`: the command line is the
   * program's. @default `--p2p-port` for `p2p.port`
   */
  flagName?: (path: string) => string
  /** Largest profile or file, in bytes; a larger one is refused unparsed. @default 1_048_576 */
  maxFileBytes?: number
  /** Aliases (`*name`) that one profile or file may resolve; more are an error. @default 100 */
  maxAliases?: number
}

/**
 * Loads, merges and validates settings.
 *
 * @throws {ConfigError} naming every wrong, unknown or missing setting at once
 * @throws {ConfigFileError} when a file cannot be read, is too large or is not UTF-8
 * @throws {RangeError} when a limit is below 0 or two settings of the schema share one variable
 * @throws {TypeError} when the schema is not an object of settings
 */
export function loadConfig<S extends z.core.$ZodType>(init: ConfigInit<S>): Config<z.core.output<S>> {
  return load(init)
}

export type { Config, ConfigEntry, ConfigSource, Origin } from './types.ts'
export { ConfigError, ConfigFileError } from './errors.ts'
export type { ConfigProblem, FileErrorCode } from './errors.ts'
export { toJsonSchema } from './json-schema.ts'
export { toReference } from './reference.ts'
export type { ReferenceInit } from './reference.ts'
export { secret } from './secret.ts'
export { toYaml } from './to-yaml.ts'

import type { z } from 'zod'
import { DEFAULT_ENV_PREFIX } from './constants.ts'
import { expectation } from './expectation.ts'
import { environmentName } from './paths.ts'
import { settingsOf, valuesOf, type Leaf, type RecordSetting } from './settings.ts'

/** How to write a reference. */
export interface ReferenceInit {
  /** First part of the name of every variable. @default 'GRIDMESH_' */
  envPrefix?: string
}

/** Units that a name ends with, the longer ones first. */
const UNITS = [
  ['PerSecond', '1/s'],
  ['Seconds', 's'],
  ['Bytes', 'bytes'],
  ['Ms', 'ms'],
] as const

/**
 * Writes all settings of a schema as one Markdown table: path, type, default, unit, variable and description.
 *
 * @throws {TypeError} when the schema is not an object of settings
 * @throws {RangeError} when two settings would be set by one variable
 */
export function toReference(schema: z.core.$ZodType, { envPrefix = DEFAULT_ENV_PREFIX }: ReferenceInit = {}): string {
  const rows = valuesOf(settingsOf(schema, envPrefix)).map((setting) => [
    code(setting.path),
    expectation(setting.core).replace(/^an? /, ''),
    defaultOf(setting),
    unitOf(setting),
    code(environmentName(envPrefix, setting.keys)),
    setting.description ?? '',
  ])
  const head = ['Setting', 'Type', 'Default', 'Unit', 'Variable', 'Description']
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |\n`).join('')
}

function defaultOf({ fallback, isSecret, isOptional }: Leaf | RecordSetting): string {
  if (fallback !== undefined) return isSecret ? 'secret' : code(JSON.stringify(fallback))
  return isOptional ? 'not set' : 'required'
}

function unitOf({ keys }: Leaf | RecordSetting): string {
  const name = keys.at(-1) ?? ''
  return UNITS.find(([end]) => name.endsWith(end) || name === end.toLowerCase())?.[1] ?? ''
}

function code(text: string): string {
  return `\`${text}\``
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll(/\s*\n\s*/g, ' ')
}

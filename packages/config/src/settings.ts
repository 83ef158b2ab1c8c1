import type { z } from 'zod'
import { environmentName, formatPath, getAt } from './paths.ts'
import { holdsSecret } from './secret.ts'
import { definition, unwrap } from './unwrap.ts'

interface Common {
  keys: readonly string[]
  path: string
  /** With its wrappers. */
  schema: z.core.$ZodType
  /** Without them. */
  core: z.core.$ZodType
  isOptional: boolean
  isSecret: boolean
  /** Value where no source gives one. */
  fallback: unknown
  description: string | undefined
}

/** An object of settings: sources are merged key by key. */
export interface Section extends Common {
  kind: 'section'
  children: ReadonlyMap<string, Setting>
  /** Keys that are not known are taken as they come. */
  isOpen: boolean
}

/** A mapping whose keys the operator chooses: sources are merged key by key too. */
export interface RecordSetting extends Common {
  kind: 'record'
  valueSchema: z.core.$ZodType
}

/** One value: the strongest source replaces it whole. */
export interface Leaf extends Common {
  kind: 'leaf'
}

/** What one schema says about one place in the settings. */
export type Setting = Section | RecordSetting | Leaf

/** What a setting takes over from the one around it. */
interface Around {
  fallback?: unknown
  isSecret?: boolean
  schemas?: readonly z.core.$ZodType[]
}

/** Describes a schema and all settings within it. */
function settingOf(schema: z.core.$ZodType, keys: readonly string[], around: Around = {}): Setting {
  const { core, isOptional, fallback, description } = unwrap(schema)
  const { schemas = [] } = around
  const def = definition(core)
  const isSection = def.type === 'object' && !schemas.includes(core)
  const isSecret = around.isSecret === true || (isSection ? isMarked(schema, core) : holdsSecret(schema))
  const common = {
    keys,
    path: formatPath(keys),
    schema,
    core,
    isOptional,
    isSecret,
    fallback: around.fallback === undefined ? fallback : around.fallback,
    description,
  }
  if (def.type === 'record') return { ...common, kind: 'record', valueSchema: def.valueType }
  if (def.type !== 'object' || !isSection) return { ...common, kind: 'leaf' }

  const children = new Map<string, Setting>()
  for (const [key, child] of Object.entries(def.shape)) {
    const inherited = { fallback: getAt(common.fallback, [key]), isSecret, schemas: [...schemas, core] }
    children.set(key, settingOf(child, [...keys, key], inherited))
  }
  const isOpen = def.catchall != null && definition(def.catchall).type !== 'never'
  return { ...common, kind: 'section', children, isOpen }
}

/** Whether a section itself is marked, rather than something within it. */
function isMarked(schema: z.core.$ZodType, core: z.core.$ZodType): boolean {
  const def = definition(core)
  if (def.type !== 'object') return false
  return holdsSecret(schema, new Set(Object.values(def.shape)))
}

/** Describes one value of a record. */
export function entryOf(record: RecordSetting, key: string): Setting {
  return settingOf(record.valueSchema, [...record.keys, key], { isSecret: record.isSecret })
}

/**
 * Describes a whole schema.
 *
 * @throws {TypeError} when it is not an object
 * @throws {RangeError} when two settings would be set by one variable
 */
export function settingsOf(schema: z.core.$ZodType, envPrefix: string): Section {
  const root = settingOf(schema, [])
  if (root.kind !== 'section') throw new TypeError('the schema must be an object of settings')
  const names = new Map<string, string>()
  for (const { path, keys } of valuesOf(root)) {
    const name = environmentName(envPrefix, keys)
    const other = names.get(name)
    // Guessing which one is meant would let a typed variable set something else.
    if (other != null) throw new RangeError(`${other} and ${path} would both be set by ${name}`)
    names.set(name, path)
  }
  return root
}

/** All settings that hold values, in the order of the schema. */
export function valuesOf(setting: Setting): (Leaf | RecordSetting)[] {
  if (setting.kind !== 'section') return [setting]
  return [...setting.children.values()].flatMap(valuesOf)
}

/** The setting at, or else the nearest one above, a path. */
export function settingAt(root: Setting, keys: readonly PropertyKey[]): Setting {
  let at = root
  for (const key of keys) {
    if (typeof key !== 'string' || at.kind === 'leaf') return at
    const next = at.kind === 'section' ? at.children.get(key) : entryOf(at, key)
    if (next == null) return at
    at = next
  }
  return at
}

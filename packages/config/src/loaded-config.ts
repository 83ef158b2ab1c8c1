import { inspect } from 'node:util'
import { REDACTED } from './constants.ts'
import type { Layers } from './layers.ts'
import { nearest } from './nearest.ts'
import { formatPath, isPlainObject } from './paths.ts'
import { entryOf, type Section, type Setting } from './settings.ts'
import type { Config, ConfigEntry, Origin } from './types.ts'

/** Settings that were validated. */
export class LoadedConfig<T> implements Config<T> {
  readonly value: T
  readonly #entries: readonly ConfigEntry[]
  readonly #layers: Layers

  constructor(value: T, root: Section, layers: Layers) {
    this.#layers = layers
    this.#entries = entriesOf(root, value, layers)
    hideSecrets(root, value)
    this.value = freeze(value)
  }

  origin(path: string): Origin {
    const entry = this.#entries.find((known) => isWithin(path, known.path))
    if (entry == null) {
      const near = nearest(
        path,
        this.#entries.map((known) => known.path),
      )
      throw new RangeError(`no setting ${JSON.stringify(path)}${near == null ? '' : `, did you mean ${near}?`}`)
    }
    return this.#layers.origin(entry.path, path) ?? { ...entry.origin }
  }

  entries(): ConfigEntry[] {
    return this.#entries.map((entry) => ({ ...entry, origin: { ...entry.origin } }))
  }

  toJSON(): Record<string, unknown> {
    return treeOf(this.#entries)
  }

  [inspect.custom](): Record<string, unknown> {
    return this.toJSON()
  }
}

function isWithin(path: string, setting: string): boolean {
  return path === setting || path.startsWith(`${setting}[`) || path.startsWith(`${setting}.`)
}

/** Puts entries back together as an object. */
export function treeOf(entries: readonly ConfigEntry[]): Record<string, unknown> {
  const tree: Record<string, unknown> = {}
  for (const { keys, value } of entries) {
    let at = tree
    for (const key of keys.slice(0, -1)) {
      const below = at[key]
      at = isPlainObject(below) ? below : (at[key] = {})
    }
    if (value !== undefined) at[keys.at(-1) ?? ''] = value
  }
  return tree
}

function entriesOf(setting: Setting, value: unknown, layers: Layers): ConfigEntry[] {
  const below = isPlainObject(value) ? value : {}
  if (setting.kind === 'section') {
    const known = [...setting.children].flatMap(([key, child]) => entriesOf(child, below[key], layers))
    const others = Object.keys(below).filter((key) => !setting.children.has(key))
    return [...known, ...others.map((key) => entryFor([...setting.keys, key], below[key], setting.isSecret, layers))]
  }
  if (setting.kind === 'record' && Object.keys(below).length > 0) {
    return Object.keys(below).flatMap((key) => entriesOf(entryOf(setting, key), below[key], layers))
  }
  return [entryFor(setting.keys, value, setting.isSecret, layers)]
}

function entryFor(keys: readonly string[], value: unknown, isSecret: boolean, layers: Layers): ConfigEntry {
  const path = formatPath(keys)
  const shown = isSecret && value !== undefined ? REDACTED : value
  return { path, keys, value: shown, isSecret, origin: layers.origin(path) ?? { source: 'default' } }
}

/**
 * Lets the objects that hold secrets print without them: a log line with the settings in it is how secrets get out.
 * The secret itself stays readable as a property.
 */
function hideSecrets(setting: Setting, value: unknown): void {
  if (setting.kind === 'leaf' || !isPlainObject(value)) return
  const children = Object.keys(value).map((key) => [key, childOf(setting, key)] as const)
  for (const [key, child] of children) hideSecrets(child, value[key])
  const secrets = children.filter(([, child]) => child.kind === 'leaf' && child.isSecret).map(([key]) => key)
  if (secrets.length === 0) return

  const redact = (): Record<string, unknown> => {
    const shown = secrets.filter((key) => value[key] !== undefined).map((key) => [key, REDACTED])
    return { ...value, ...Object.fromEntries(shown) }
  }
  Object.defineProperties(value, { toJSON: { value: redact }, [inspect.custom]: { value: redact } })
}

function childOf(setting: Exclude<Setting, { kind: 'leaf' }>, key: string): Setting {
  if (setting.kind === 'record') return entryOf(setting, key)
  return setting.children.get(key) ?? { ...setting, kind: 'leaf' }
}

function freeze<T>(value: T): T {
  if (Array.isArray(value)) for (const item of value) freeze(item)
  else if (isPlainObject(value)) for (const below of Object.values(value)) freeze(below)
  else return value
  return Object.freeze(value)
}

import { formatPath, isPlainObject } from './paths.ts'
import type { ConfigSource, Located, Origin, Place } from './types.ts'

/** Where a value, or the key of a section, stands. */
interface Sighting {
  source: ConfigSource
  place: Place
}

/** Where one value came from, and each part of it. */
interface Value extends Sighting {
  parts: Map<string, Place>
}

/** The merged settings of all sources, before validation, and where each part of them came from. */
export class Layers {
  readonly raw: Record<string, unknown> = {}
  readonly #sections = new Map<string, Sighting>()
  readonly #values = new Map<string, Value>()

  /** Puts a value at a path, over whatever a weaker source has put there. */
  assign(keys: readonly string[], node: Located, source: ConfigSource): void {
    let at = this.raw
    for (const key of keys.slice(0, -1)) {
      const below = at[key]
      at = isPlainObject(below) ? below : (at[key] = {})
    }
    at[keys.at(-1) ?? ''] = plain(node)
    const parts = new Map<string, Place>()
    notePlaces(parts, keys, node)
    this.#values.set(formatPath(keys), { source, place: node.place, parts })
  }

  /** Notes where a section stands, for what is missing in it. */
  noteSection(keys: readonly string[], place: Place, source: ConfigSource): void {
    this.#sections.set(formatPath(keys), { source, place })
  }

  /** Where what is at a path came from, or else what is nearest around it. */
  sighting(keys: readonly PropertyKey[]): Sighting | undefined {
    for (let length = keys.length; length > 0; length--) {
      const path = formatPath(keys.slice(0, length))
      const value = this.#values.get(path)
      if (value != null) return { source: value.source, place: nearestPart(value, keys) }
      const section = this.#sections.get(path)
      if (section != null) return section
    }
    return undefined
  }

  /** Where a value came from, or a part of it such as one entry of a list; `undefined` where no source gave it. */
  origin(valuePath: string, partPath = valuePath): Origin | undefined {
    const value = this.#values.get(valuePath)
    if (value == null) return undefined
    return { source: value.source, where: (value.parts.get(partPath) ?? value.place).where }
  }
}

function notePlaces(parts: Map<string, Place>, keys: readonly PropertyKey[], node: Located): void {
  parts.set(formatPath(keys), node.place)
  if (node.kind === 'list') {
    for (const [index, item] of node.items.entries()) notePlaces(parts, [...keys, index], item)
  } else if (node.kind === 'map') {
    for (const [key, entry] of node.entries) notePlaces(parts, [...keys, key], entry.node)
  }
}

function nearestPart({ parts, place }: Value, keys: readonly PropertyKey[]): Place {
  for (let length = keys.length; length > 0; length--) {
    const part = parts.get(formatPath(keys.slice(0, length)))
    if (part != null) return part
  }
  return place
}

/** The value of a node without its places. */
export function plain(node: Located): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plain)
  return Object.fromEntries([...node.entries].map(([key, { node: below }]) => [key, plain(below)]))
}

/** Gives a plain value, and all within it, one place. Lists and objects are copied. */
export function located(value: unknown, place: Place): Located {
  if (Array.isArray(value)) return { kind: 'list', place, items: value.map((item) => located(item, place)) }
  if (!isPlainObject(value)) return { kind: 'scalar', place, value }
  const entries = Object.entries(value).map(
    ([key, below]) => [key, { keyPlace: place, node: located(below, place) }] as const,
  )
  return { kind: 'map', place, entries: new Map(entries) }
}

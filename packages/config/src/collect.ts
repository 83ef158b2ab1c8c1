import { problem, type ConfigProblem } from './errors.ts'
import { received, shortened } from './expectation.ts'
import { plain, type Layers } from './layers.ts'
import { nearest } from './nearest.ts'
import { formatPath } from './paths.ts'
import { entryOf, valuesOf, type RecordSetting, type Section, type Setting } from './settings.ts'
import type { ConfigSource, Located, Place } from './types.ts'

/** Puts what one source says into the layers, and names what has no place there. */
export class Collector {
  readonly problems: ConfigProblem[] = []
  readonly #layers: Layers
  readonly #root: Section
  readonly #source: ConfigSource

  constructor(layers: Layers, root: Section, source: ConfigSource) {
    this.#layers = layers
    this.#root = root
    this.#source = source
  }

  /** Takes the value of one setting, or of a whole section. */
  collect(setting: Setting, node: Located): void {
    if (setting.kind === 'leaf') {
      this.#layers.assign(setting.keys, node, this.#source)
      return
    }
    if (setting.keys.length > 0) this.#layers.noteSection(setting.keys, node.place, this.#source)
    // A heading whose lines are all commented out is written often, and says nothing.
    if (node.kind === 'scalar' && node.value === null) return
    if (node.kind !== 'map') {
      this.#notMapping(setting, node)
      return
    }
    for (const [key, entry] of node.entries) {
      const child = this.#childOf(setting, key)
      if (child == null) this.#unknown(setting, key, entry.keyPlace)
      else this.collect(child, entry.node)
    }
  }

  #childOf(setting: Section | RecordSetting, key: string): Setting | undefined {
    // An own key of that name would become the prototype of the merged object.
    if (key === '__proto__') return undefined
    if (setting.kind === 'record') return entryOf(setting, key)
    const known = setting.children.get(key)
    if (known != null || !setting.isOpen) return known
    const keys = [...setting.keys, key]
    return { ...setting, kind: 'leaf', keys, path: formatPath(keys) }
  }

  #notMapping(setting: Setting, node: Located): void {
    const came = received(plain(node), setting.isSecret || valuesOf(setting).some((value) => value.isSecret))
    const expected = 'a mapping'
    const text = `expected ${expected}, got ${came}`
    const common = { source: this.#source, place: node.place, path: setting.path, expected, text }
    this.problems.push(problem({ ...common, received: came }))
  }

  #unknown(setting: Section | RecordSetting, key: string, place: Place): void {
    const known = setting.kind === 'section' ? [...setting.children.keys()] : []
    const suggestions = [nearest(key, known) ?? this.#elsewhere(key)].flat()
    const meant = suggestions.map((name) => JSON.stringify(name)).join(' or ')
    const hint = meant === '' ? hintOf(known) : `did you mean ${meant}?`
    const text = `unknown key ${JSON.stringify(shortened(key))}, ${hint}`
    const path = formatPath([...setting.keys, shortened(key)])
    const names = { path, shownPath: setting.path, suggestion: suggestions[0] }
    this.problems.push(problem({ ...names, source: this.#source, place, text, expected: 'a known key' }))
  }

  /** The settings of that very name in other sections, unless there are so many that they say nothing. */
  #elsewhere(key: string): string[] {
    const same = valuesOf(this.#root).filter((value) => value.keys.at(-1) === key)
    return same.length > 3 ? [] : same.map((value) => value.path)
  }
}

function hintOf(known: readonly string[]): string {
  return known.length === 0 || known.length > 12 ? 'and none is like it' : `known here: ${known.join(', ')}`
}

/** Adds the sections that nothing set but that are not optional, so that the defaults within them apply. */
export function complete(section: Section, raw: Record<string, unknown>): void {
  for (const [key, child] of section.children) {
    if (child.kind !== 'section') {
      // The default of a section as a whole is lost as soon as one value in it is set; the rest of it is put back.
      if (raw[key] === undefined && isFromAround(section, key)) raw[key] = structuredClone(child.fallback)
      continue
    }
    const isAbsent = raw[key] === undefined
    if (isAbsent && (child.isOptional || child.fallback !== undefined)) continue
    if (isAbsent) raw[key] = {}
    const below = raw[key]
    if (typeof below === 'object' && below != null) complete(child, Object(below))
  }
}

function isFromAround(section: Section, key: string): boolean {
  return typeof section.fallback === 'object' && section.fallback != null && Object.hasOwn(section.fallback, key)
}

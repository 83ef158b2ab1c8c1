import { isAlias, isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml'
import { MAX_DEPTH, MAX_VALUES } from './constants.ts'
import { problem, type ConfigProblem } from './errors.ts'
import { syntaxFault } from './syntax.ts'
import type { ConfigSource, Located, Place } from './types.ts'

/** A text to parse, and how to speak of it. */
interface YamlText {
  source: ConfigSource
  /** As shown to people. */
  file: string
  text: string
  maxAliases: number
}

/** What became of a text. A text with problems may still have a value, of which parts are missing. */
interface ParsedYaml {
  root: Located | undefined
  problems: ConfigProblem[]
}

/** Parses YAML into values that know their places. Never throws. */
export function parseYaml(input: YamlText): ParsedYaml {
  const lines = new LineCounter()
  // Left to the parser, the search for duplicate keys takes time by the square of the keys, and a tag of the core
  // schema makes dates and bytes; its pretty errors quote even more of the text than its others.
  const options = { prettyErrors: false, uniqueKeys: false, resolveKnownTags: false, stringKeys: true } as const
  const document = parseDocument(input.text, { ...options, lineCounter: lines })
  const reader = new Reader(input, document, lines)
  for (const fault of [...document.errors, ...document.warnings]) reader.fail(fault.pos[0], syntaxFault(fault))
  const root = reader.problems.length > 0 ? undefined : reader.read(document.contents, 0, 0)
  return { root, problems: reader.problems }
}

class Reader {
  readonly problems: ConfigProblem[] = []
  readonly #input: YamlText
  readonly #document: Document
  readonly #lines: LineCounter
  #aliases = 0
  #values = 0

  constructor(input: YamlText, document: Document, lines: LineCounter) {
    this.#input = input
    this.#document = document
    this.#lines = lines
  }

  fail(offset: number, text: string): void {
    const { source } = this.#input
    this.problems.push(problem({ source, place: this.#placeAt(offset), path: '', text, expected: 'valid YAML' }))
  }

  /** `offset` is where a node that has none of its own, such as an empty value, counts as standing. */
  read(node: unknown, offset: number, depth: number): Located | undefined {
    if (isAlias(node)) return this.#resolve(node, offset, depth)
    const start = startOf(node) ?? offset
    if (!this.#isWithin(MAX_VALUES, ++this.#values, 'values', start)) return undefined
    const place = this.#placeAt(start)
    if (node == null) return { kind: 'scalar', value: null, place }
    if (isScalar(node)) return { kind: 'scalar', value: node.value, place }
    if (depth >= MAX_DEPTH) {
      this.fail(start, `collections are nested more than ${MAX_DEPTH} deep`)
      return undefined
    }
    return isMap(node) ? this.#readMap(node.items, place, depth) : this.#readList(node, place, depth)
  }

  #readMap(pairs: readonly { key: unknown; value: unknown }[], place: Place, depth: number): Located {
    const entries = new Map<string, { keyPlace: Place; node: Located }>()
    for (const { key, value } of pairs) {
      const offset = startOf(key) ?? 0
      const name = isScalar(key) ? String(key.value) : ''
      const earlier = entries.get(name)
      if (earlier != null) {
        this.fail(offset, `duplicate key, first at line ${earlier.keyPlace.line}`)
        continue
      }
      const node = this.read(value, offset, depth + 1)
      if (node != null) entries.set(name, { keyPlace: this.#placeAt(offset), node })
    }
    return { kind: 'map', entries, place }
  }

  #readList(node: unknown, place: Place, depth: number): Located {
    const values: unknown[] = typeof node === 'object' && node != null && 'items' in node ? asList(node.items) : []
    const items = values.map((item) => this.read(item, startOf(node) ?? 0, depth + 1))
    return { kind: 'list', items: items.filter((item) => item != null), place }
  }

  #resolve(alias: { resolve(document: Document): unknown }, at: number, depth: number): Located | undefined {
    const offset = startOf(alias) ?? at
    // Each one has the parser walk the document in search of its anchor; those within aliased values count each time.
    if (!this.#isWithin(this.#input.maxAliases, ++this.#aliases, 'aliases', offset)) return undefined
    const target = alias.resolve(this.#document)
    if (target != null) return this.read(target, offset, depth + 1)
    this.fail(offset, 'an alias without an anchor before it; text that begins with * needs quotes')
    return undefined
  }

  /** Notes once that a limit is passed. */
  #isWithin(max: number, count: number, what: string, offset: number): boolean {
    if (count === max + 1) this.fail(offset, `more than ${max} ${what}`)
    return count <= max
  }

  #placeAt(offset: number): Place {
    const { file } = this.#input
    const { line, col: column } = this.#lines.linePos(offset)
    return line === 0 ? { file, where: file } : { file, line, column, where: `${file}:${line}:${column}` }
  }
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node == null || !('range' in node)) return undefined
  const start: unknown = Array.isArray(node.range) ? node.range[0] : undefined
  return typeof start === 'number' ? start : undefined
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

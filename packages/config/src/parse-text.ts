import { z } from 'zod'
import { definition, unwrap } from './unwrap.ts'

/**
 * Reads the text of a variable or flag as a schema wants it: numbers, `true` and `false`, lists with commas, mappings
 * as `key=value` with commas, and JSON for what is deeper. What does not fit stays text, which validation then names.
 */
export function parseText(schema: z.core.$ZodType, text: string): unknown {
  const def = definition(unwrap(schema).core)
  if (def.type === 'number') return parseNumber(text.trim()) ?? text
  if (def.type === 'bigint') return /^[+-]?\d+$/.test(text.trim()) ? BigInt(text.trim().replace(/^\+/, '')) : text
  if (def.type === 'boolean') return parseBoolean(text)
  if (def.type === 'literal') return def.values.find((value) => String(value) === text) ?? text
  if (def.type === 'enum') return Object.values(def.entries).find((value) => String(value) === text) ?? text
  if (def.type === 'array') return parseList(def.element, text)
  if (def.type === 'record') return parseMapping(def.valueType, text)
  if (def.type === 'union') return parseChoice(def.options, text)
  return TEXTUAL.has(def.type) ? text : parseJson(text)
}

/** Schemas to which text is the value itself. */
const TEXTUAL: ReadonlySet<string> = new Set(['string', 'template_literal', 'custom', 'date'])

/** Decimal only: `Number` would also take '', hexadecimal and `Infinity`. */
function parseNumber(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined
}

function parseBoolean(text: string): unknown {
  if (/^true$/i.test(text)) return true
  return /^false$/i.test(text) ? false : text
}

function parseList(element: z.core.$ZodType, text: string): unknown {
  if (text.trim().startsWith('[')) return parseJson(text)
  if (text.trim() === '') return []
  return text.split(',').map((part) => parseText(element, part.trim()))
}

function parseMapping(valueSchema: z.core.$ZodType, text: string): unknown {
  if (text.trim().startsWith('{')) return parseJson(text)
  const entries: [string, unknown][] = []
  for (const part of text.split(',')) {
    if (part.trim() === '') continue
    const at = part.indexOf('=')
    if (at < 1) return text
    entries.push([part.slice(0, at).trim(), parseText(valueSchema, part.slice(at + 1).trim())])
  }
  return Object.fromEntries(entries)
}

function parseChoice(options: readonly z.core.$ZodType[], text: string): unknown {
  for (const option of options) {
    const value = parseText(option, text)
    if (z.safeParse(option, value).success) return value
  }
  return text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

import { z } from 'zod'
import { MAX_SHOWN_CHARACTERS, REDACTED } from './constants.ts'
import { definition, unwrap } from './unwrap.ts'

type Json = z.core.JSONSchema.BaseSchema

/** Says in words what a schema takes. Goes by its JSON Schema, so a rule in code alone does not show. */
export function expectation(schema: z.core.$ZodType): string {
  return inWords(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', cycles: 'ref' }))
}

function inWords(json: Json): string {
  if (json.const !== undefined) return literal(json.const)
  if (json.enum != null) {
    return json.enum.length === 1 ? literal(json.enum[0]) : `one of ${json.enum.map(literal).join(', ')}`
  }
  const choices = json.anyOf ?? json.oneOf
  if (choices != null) return [...new Set(choices.map(inWords))].join(' or ')
  const { type, additionalProperties: values } = json
  if (type === 'integer') return `an integer${range(json)}`
  if (type === 'number') return `a number${range(json)}`
  if (type === 'string') return text(json)
  if (type === 'boolean') return 'true or false'
  if (type === 'array') return list(json)
  if (type === 'object') return typeof values === 'object' ? `a mapping to ${inWords(values)}` : 'a mapping'
  return type === 'null' ? 'null' : 'a value'
}

function literal(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

function range(json: Json): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = json
  const isLow = typeof minimum === 'number' && minimum !== Number.MIN_SAFE_INTEGER
  const isHigh = typeof maximum === 'number' && maximum !== Number.MAX_SAFE_INTEGER
  const limits: string[] = []
  if (isLow && isHigh) limits.push(`from ${minimum} to ${maximum}`)
  else if (isLow) limits.push(`of at least ${minimum}`)
  else if (isHigh) limits.push(`of at most ${maximum}`)
  if (typeof exclusiveMinimum === 'number') limits.push(`above ${exclusiveMinimum}`)
  if (typeof exclusiveMaximum === 'number') limits.push(`below ${exclusiveMaximum}`)
  const all = limits.join(' and ')
  return `${all && ` ${all}`}${multipleOf == null ? '' : `, a multiple of ${multipleOf}`}`
}

function text({ format, pattern, minLength, maxLength }: Json): string {
  if (format != null) return format === 'uri' ? 'a URL' : `text in the format ${format}`
  const length = size(minLength, maxLength, 'character')
  if (pattern != null) return `text that matches /${pattern}/${length && ` ${length}`}`
  return `text${length && ` ${length}`}`
}

function list({ items, minItems, maxItems, prefixItems }: Json): string {
  const length = size(minItems, maxItems, 'value')
  const head = `a list${length && ` ${length}`}`
  if (prefixItems != null || Array.isArray(items) || typeof items !== 'object') return head
  return `${head}, each ${inWords(items)}`
}

function size(min: number | undefined, max: number | undefined, unit: string): string {
  const plural = (count: number): string => `${count} ${unit}${count === 1 ? '' : 's'}`
  if (min != null && max != null) return min === max ? `of ${plural(min)}` : `of ${min} to ${plural(max)}`
  if (min != null) return `of at least ${plural(min)}`
  return max == null ? '' : `of at most ${plural(max)}`
}

/** Says what came. `undefined` stands for nothing at all. */
export function received(value: unknown, isSecret: boolean): string | undefined {
  if (value === undefined) return undefined
  if (value === null) return 'null'
  if (isSecret) return REDACTED
  if (Array.isArray(value)) return value.length === 1 ? 'a list of 1 value' : `a list of ${value.length} values`
  if (typeof value === 'string') return JSON.stringify(shortened(value))
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`
}

/** Cuts what is shown of a long text. */
export function shortened(value: string): string {
  return value.length > MAX_SHOWN_CHARACTERS ? `${value.slice(0, MAX_SHOWN_CHARACTERS)}…` : value
}

/** The schema of what is at a path within a value; `undefined` where that depends on the value. */
export function schemaAt(schema: z.core.$ZodType, keys: readonly PropertyKey[]): z.core.$ZodType | undefined {
  const [key, ...rest] = keys
  if (key === undefined) return schema
  const def = definition(unwrap(schema).core)
  if (def.type === 'object') return within(Object.hasOwn(def.shape, key) ? def.shape[String(key)] : def.catchall, rest)
  if (def.type === 'record' || def.type === 'map') return within(def.valueType, rest)
  if (def.type === 'array') return within(def.element, rest)
  if (def.type === 'tuple') return within(def.items[Number(key)] ?? def.rest, rest)
  return undefined
}

function within(schema: z.core.$ZodType | null | undefined, keys: readonly PropertyKey[]): z.core.$ZodType | undefined {
  return schema == null ? undefined : schemaAt(schema, keys)
}

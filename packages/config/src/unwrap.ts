import { globalRegistry, type z } from 'zod'

/** The definition of any schema, a union that can be told apart by `type`. */
type Definition = z.core.$ZodTypes['_zod']['def']

/**
 * Reads the definition of a schema.
 *
 * @throws {TypeError} when it is no schema of zod 4
 */
export function definition(schema: z.core.$ZodType): Definition {
  if (!isSchema(schema)) throw new TypeError('the schema must be made with zod 4')
  return schema._zod.def
}

/** zod types its base class without the union of all schemas; every schema that it makes is one of them. */
function isSchema(schema: z.core.$ZodType): schema is z.core.$ZodTypes {
  return '_zod' in schema
}

/** What stands within optional, default and the like. */
interface Unwrapped {
  /** The schema that values are given to. */
  core: z.core.$ZodType
  /** May be left out, and is then `undefined`. */
  isOptional: boolean
  /** Value that stands where none is given; `undefined` where there is none. */
  fallback: unknown
  description: string | undefined
}

/** Takes off optional, nullable, default, prefault, readonly, catch, lazy, and the output side of a transform. */
export function unwrap(schema: z.core.$ZodType): Unwrapped {
  const found: Unwrapped = { core: schema, isOptional: false, fallback: undefined, description: undefined }
  // Lazy schemas may contain themselves without anything between: such a one is left as it is.
  for (let step = 0; step < 32; step++) {
    found.description ??= globalRegistry.get(found.core)?.description
    const def = definition(found.core)
    if (def.type === 'optional') found.isOptional = true
    if (def.type === 'default' || def.type === 'prefault') found.fallback ??= def.defaultValue
    const inner = innerOf(def)
    if (inner == null) break
    found.core = inner
  }
  return found
}

function innerOf(def: Definition): z.core.$ZodType | undefined {
  if (def.type === 'lazy') return def.getter()
  // A preprocess step begins with a bare transform, which says nothing; its output side says what is meant.
  if (def.type === 'pipe') return definition(def.in).type === 'transform' ? def.out : def.in
  // A promise has an inner type too, but no text holds a promise.
  return 'innerType' in def && def.type !== 'promise' ? def.innerType : undefined
}

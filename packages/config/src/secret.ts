import { globalRegistry, type z } from 'zod'
import { definition } from './unwrap.ts'

/**
 * Marks a setting as a secret: it is never shown in entries, errors, printed YAML or JSON. The mark is JSON Schema's
 * `writeOnly`, kept in zod's own metadata, so checks and descriptions added later keep it.
 */
export function secret<S extends z.ZodType>(schema: S): S {
  const marked = schema.clone()
  globalRegistry.add(marked, { ...globalRegistry.get(schema), writeOnly: true })
  return marked
}

/** Whether a schema, or any schema within it, is marked as a secret. */
export function holdsSecret(schema: z.core.$ZodType, seen = new Set<z.core.$ZodType>()): boolean {
  if (seen.has(schema)) return false
  seen.add(schema)
  if (globalRegistry.get(schema)?.['writeOnly'] === true) return true
  return parts(schema).some((part) => holdsSecret(part, seen))
}

function parts(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const def = definition(schema)
  if (def.type === 'object') return [...Object.values(def.shape), ...(def.catchall == null ? [] : [def.catchall])]
  if (def.type === 'array') return [def.element]
  if (def.type === 'tuple') return def.rest == null ? def.items : [...def.items, def.rest]
  if (def.type === 'union') return def.options
  if (def.type === 'intersection') return [def.left, def.right]
  if (def.type === 'record' || def.type === 'map') return [def.keyType, def.valueType]
  if (def.type === 'set') return [def.valueType]
  if (def.type === 'pipe') return [def.in, def.out]
  if (def.type === 'lazy') return [def.getter()]
  return 'innerType' in def ? [def.innerType] : []
}

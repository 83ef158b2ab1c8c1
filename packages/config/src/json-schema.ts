import { z } from 'zod'

/**
 * Describes a schema as JSON Schema (draft 2020-12): what an operator may write, with descriptions and defaults.
 * Unknown keys are refused as by `loadConfig`, and a secret has `writeOnly` and no default.
 */
export function toJsonSchema(schema: z.core.$ZodType): z.core.JSONSchema.BaseSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod
      if (def.type === 'object' && def.catchall == null) jsonSchema.additionalProperties = false
      if (jsonSchema.writeOnly === true) delete jsonSchema.default
    },
  })
  return structuredClone(json)
}

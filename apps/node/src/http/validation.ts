import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { faultText } from '../faults.ts'
import { HttpRefusalError } from './answers.ts'

/** Checks each part of a request by its zod schema; what is wrong names field, value and rule. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = 'body' }) => {
  return (data) => {
    const { success, data: value, error } = schema.safeParse(data, { error: faultText })
    if (success) return { value }
    // What breaks both the form and the range of a number is told once.
    const faults = new Set(error.issues.map(({ path, message }) => `${path.join('.') || httpPart}: ${message}`))
    return { error: new HttpRefusalError(400, 'invalid-input', [...faults].join('; ')) }
  }
}

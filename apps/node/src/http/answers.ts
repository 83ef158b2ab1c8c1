import { z } from 'zod'

/** The shape of every successful answer. */
export function success<T extends z.ZodType>(data: T) {
  return z.object({ success: z.literal(true), data })
}

/** The shape of every other answer. */
export const failure = z.object({
  success: z.literal(false),
  error: z.string().describe('What went wrong, with what came and what was expected'),
  code: z.string().describe('Stable name of the fault'),
})

/** A request that the API refuses, with its HTTP status. */
export class HttpRefusalError extends Error {
  static override readonly name = 'HttpRefusalError'
  override readonly name = 'HttpRefusalError'
  readonly code: string
  readonly statusCode: number

  constructor(statusCode: number, code: string, message: string) {
    super(message)
    this.statusCode = statusCode
    this.code = code
  }
}

import { z } from 'zod'
import { address, hash } from '../http/chain/schemas.ts'
import { fromDigits } from './digits.ts'
import { UsageError } from './errors.ts'

/** Reads an address of the command line, also in capitals. @throws {UsageError} */
export function addressArgument(name: string): (text: string) => string {
  return (text) => parsed(address, name, text.toLowerCase())
}

/** Reads a hash of the command line, also in capitals. @throws {UsageError} */
export function hashArgument(name: string): (text: string) => string {
  return (text) => parsed(hash, name, text.toLowerCase())
}

/** A name as part of a path. @throws {UsageError} where no path can hold it: clients take dots for steps, escaped or not */
export function pathPart(what: string, text: string): string {
  if (!['', '.', '..'].includes(text)) return encodeURIComponent(text)
  throw new UsageError(`Expected ${what}, got "${text}"`)
}

/** Reads an amount of the command line. @throws {UsageError} */
export function amountArgument(name: string, min: number): (text: string) => number {
  return (text) => {
    const value = fromDigits(text)
    if (value !== undefined && value >= min) return value
    const rule = `a whole number from ${min} to ${Number.MAX_SAFE_INTEGER}, in satang or Wh and without a unit or a fraction`
    throw new UsageError(`Expected --${name} to be ${rule}, got "${text}"`)
  }
}

/** The number of a zone by its name. @throws {UsageError} */
export function zoneNumber(name: string, zones: readonly string[]): number {
  const number = zones.indexOf(name)
  if (number >= 0) return number
  throw new UsageError(`Expected --zone to be one of ${zones.join(', ')}, got "${name}"`)
}

function parsed<T>(schema: z.ZodType<T>, name: string, text: string): T {
  const result = schema.safeParse(text)
  if (result.success) return result.data
  throw new UsageError(`${name}: ${result.error.issues.map(({ message }) => message).join('; ')}`)
}

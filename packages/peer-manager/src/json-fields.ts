import { MAX_TIME_MS } from './constants.ts'
import { CorruptRecordError } from './errors.ts'

/** A parsed JSON object whose fields are read with a check. */
export type JsonObject = Readonly<Record<string, unknown>>

/** @throws {CorruptRecordError} unless `value` is an object */
export function asObject(value: unknown, field: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new CorruptRecordError(field)
  return Object.fromEntries(Object.entries(value))
}

/** @throws {CorruptRecordError} unless the field is a number from `min` to `max` */
export function readNumber(object: JsonObject, field: string, min: number, max: number): number {
  const value = object[field]
  if (typeof value !== 'number' || !(value >= min && value <= max)) throw new CorruptRecordError(field)
  return value
}

/** @throws {CorruptRecordError} unless the field is a time, in ms since the epoch; a clock that was wrong may tell an earlier one */
export function readTime(object: JsonObject, field: string): number {
  return readNumber(object, field, -MAX_TIME_MS, MAX_TIME_MS)
}

/** @throws {CorruptRecordError} unless the field is a string */
export function readString(object: JsonObject, field: string): string {
  const value = object[field]
  if (typeof value !== 'string') throw new CorruptRecordError(field)
  return value
}

/** @throws {CorruptRecordError} unless the field is a list of strings */
export function readStrings(object: JsonObject, field: string): string[] {
  return readList(object, field).map((value) => {
    if (typeof value !== 'string') throw new CorruptRecordError(field)
    return value
  })
}

/** @throws {CorruptRecordError} unless the field is a list */
export function readList(object: JsonObject, field: string): unknown[] {
  const value = object[field]
  if (!Array.isArray(value)) throw new CorruptRecordError(field)
  return value.map((item: unknown) => item)
}

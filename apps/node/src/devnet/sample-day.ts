import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { z } from 'zod'
import { UnusableFileError, fileProblem } from '../errors.ts'
import { ZONES } from './plan.ts'

/** Intervals of a day: a quarter of an hour each. */
export const INTERVALS = 96
/** Length of one interval, in ms. */
export const INTERVAL_MS = 900_000

const reading = z.strictObject({
  interval: z.coerce
    .number()
    .int()
    .min(0)
    .max(INTERVALS - 1),
  meter: z.string().regex(/^[a-z0-9-]{1,32}$/),
  kind: z.enum(['solar', 'household', 'factory']),
  zone: z.enum(ZONES),
  productionWh: z.coerce.number().int().min(0),
  consumptionWh: z.coerce.number().int().min(0),
})

/** Columns of a sample day. */
export const COLUMNS = Object.keys(reading.shape)

/** What a meter measured in a quarter of an hour. */
export type Reading = z.infer<typeof reading>

/** Reads a sample day, grouped by interval, up to the last one that has any readings. @throws {UnusableFileError} naming the first bad line */
export async function readSampleDay(path: string): Promise<Reading[][]> {
  const day = Array.from({ length: INTERVALS }, (): Reading[] => [])
  try {
    const rows = parse({ columns: (head: string[]) => checked(head, path), info: true, trim: true, bom: true })
    await pipeline(createReadStream(path), rows, async (read: AsyncIterable<Row>) => {
      for await (const row of read) {
        const one = readingOf(row, path)
        day[one.interval]?.push(one)
      }
    })
  } catch (cause) {
    if (cause instanceof UnusableFileError) throw cause
    if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('CSV_')) {
      throw new UnusableFileError('sample day', path, cause.message, { cause })
    }
    throw fileProblem('sample day', path, cause)
  }
  const length = day.findLastIndex((readings) => readings.length > 0) + 1
  if (length === 0) throw new UnusableFileError('sample day', path, 'it has no readings')
  return day.slice(0, length)
}

interface Row {
  record: unknown
  info: { lines: number }
}

function checked(head: string[], path: string): string[] {
  if (COLUMNS.every((column) => head.includes(column)) && head.length === COLUMNS.length) return head
  const why = `line 1: expected the columns ${COLUMNS.join(', ')}, got ${head.join(', ')}`
  throw new UnusableFileError('sample day', path, why)
}

function readingOf({ record, info }: Row, path: string): Reading {
  const parsed = reading.safeParse(record)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new UnusableFileError('sample day', path, `line ${info.lines}: ${faults.join('; ')}`)
}

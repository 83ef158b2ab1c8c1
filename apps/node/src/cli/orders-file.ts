import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import { inputs } from '../energy/inputs.ts'
import { UnusableFileError, fileProblem } from '../errors.ts'
import { faultText } from '../faults.ts'
import { fromDigits } from './digits.ts'

/** An order as a person writes it, with ids and times filled in. */
export type OrderInput = z.output<(typeof inputs)['energy-order']>

/** What the rows of a file are numbered by: lines of CSV, and the orders of a JSON list, wherever their lines break. */
export type Numbering = 'line' | 'order'

/** One order of a file, or what is wrong with it, with its number from 1. */
export type OrderRow = { at: number; order: OrderInput } | { at: number; fault: string }

const COLUMNS = ['id', 'type', 'priceSatangPerKwh', 'quantityWh', 'zone', 'expiresAtMs'] as const
const CSV = { info: true, trim: true, bom: true, skip_empty_lines: true, relax_column_count: true } as const
const csvRows = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.int() }) }))
/** What is a number for a person, and may be too small, too large or a fraction. */
const DECIMAL = /^-?(?:[1-9][0-9]*|(?:0|[1-9][0-9]*)\.[0-9]+)$/
const NUMBERS: ReadonlySet<string> = new Set(['priceSatangPerKwh', 'quantityWh', 'expiresAtMs'])

/**
 * Reads orders from a JSON file (one order, or a list) or a CSV file with a header line. A bad row does not spoil the
 * others: it comes back with its number and what is wrong.
 * @throws {UnusableFileError} when the file as a whole cannot be read
 */
export async function readOrders(path: string): Promise<OrderRow[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw fileProblem('orders file', path, cause)
  }
  const numbering = numberingOf(path)
  return withoutRepeats(numbering === 'line' ? fromCsv(text, path) : fromJson(text, path), numbering)
}

/** How the rows of a file are numbered, by its name. */
export function numberingOf(path: string): Numbering {
  return path.endsWith('.csv') ? 'line' : 'order'
}

/** Of orders with one id, all but the first are faults: each would be an order of its own. */
function withoutRepeats(rows: readonly OrderRow[], numbering: Numbering): OrderRow[] {
  const places = new Map<string, number>()
  return rows.map((row) => {
    if ('fault' in row) return row
    const { id } = row.order
    const first = places.get(id)
    if (first !== undefined) return { at: row.at, fault: `id: ${id} is that of ${numbering} ${first}` }
    places.set(id, row.at)
    return row
  })
}

function fromJson(text: string, path: string): OrderRow[] {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new UnusableFileError('orders file', path, `it is not JSON: ${why}`, { cause })
  }
  return (Array.isArray(raw) ? raw : [raw]).map((value, index) => judge(value, index + 1))
}

function fromCsv(text: string, path: string): OrderRow[] {
  let rows: z.infer<typeof csvRows>
  try {
    rows = csvRows.parse(parse(text, CSV))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new UnusableFileError('orders file', path, `it is not CSV: ${why}`, { cause })
  }
  const [head, ...body] = rows
  if (head === undefined) throw new UnusableFileError('orders file', path, 'it is empty')
  const strange = head.record.filter((column) => !(COLUMNS as readonly string[]).includes(column))
  if (strange.length > 0) {
    const why = `line 1: unknown column ${strange.join(', ')}; the columns are ${COLUMNS.join(', ')}`
    throw new UnusableFileError('orders file', path, why)
  }
  const twice = head.record.filter((column, index) => head.record.indexOf(column) < index)
  if (twice.length > 0) {
    throw new UnusableFileError('orders file', path, `line 1: expected each column once, got ${twice.join(', ')} again`)
  }
  return body.map(({ record, info: { lines: at } }) => {
    if (record.length !== head.record.length) {
      return { at, fault: `expected ${head.record.length} columns as in line 1, got ${record.length}` }
    }
    const cells = head.record.map((column, index) => [column, cell(column, record[index] ?? '')] as const)
    return judge(Object.fromEntries(cells.filter(([, value]) => value !== undefined)), at)
  })
}

/** A cell as the schema expects it. An empty one is left out; what is no number stays text and is refused there. */
function cell(column: string, text: string): string | number | undefined {
  if (text === '') return undefined
  return NUMBERS.has(column) ? (fromDigits(text) ?? outOfRange(text)) : text
}

/** A number that the schema refuses, by the rule that it breaks. One that would be rounded into the range stays text. */
function outOfRange(text: string): string | number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  return Number.isNaN(value) || (text.includes('.') && Number.isInteger(value)) ? text : value
}

function judge(value: unknown, at: number): OrderRow {
  const parsed = inputs['energy-order'].safeParse(value, { error: faultText })
  if (parsed.success) return { at, order: parsed.data }
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'order'}: ${issue.message}`)
  return { at, fault: faults.join('; ') }
}

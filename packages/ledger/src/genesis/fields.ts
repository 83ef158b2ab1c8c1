import { GenesisError, type GenesisFault } from '../errors.ts'

/** Characters of a wrong value that are shown. */
const MAX_SHOWN = 80
const WHOLE_NUMBER = /^(0|[1-9][0-9]{0,15})$/
/** Where the day of such a time ends. */
const DAY_END = '2026-01-01'.length
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/

/** Reads untrusted fields, and notes all that is wrong before it gives up. Every scalar is a text. */
export class Fields {
  readonly #faults: GenesisFault[] = []

  /** The field of `value` under `name`, and nothing where there is none. */
  get(value: unknown, name: string): unknown {
    return isObject(value) ? value[name] : undefined
  }

  /** Notes everything but an object of no other fields than `names`. */
  object(value: unknown, path: string, names: readonly string[]): void {
    if (!isObject(value)) return this.fault(path, value, `an object of ${names.join(', ')}`)
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) this.fault(join(path, name), value[name], `left out: there are ${names.join(', ')}`)
    }
  }

  list<T>(
    value: unknown,
    path: string,
    [min, max]: readonly [number, number],
    read: (item: unknown, path: string) => T,
  ): T[] {
    const isList = Array.isArray(value) && value.length >= min && value.length <= max
    if (isList) return value.map((item: unknown, i) => read(item, `${path}[${i}]`))
    // A list that may be empty may be left out.
    if (!(value === undefined && min === 0)) this.fault(path, value, `a list of ${min} to ${max} items`)
    return []
  }

  text(value: unknown, path: string, maxBytes: number): string {
    const isText = typeof value === 'string' && value.length > 0 && Buffer.byteLength(value) <= maxBytes
    // Half a character is written as another one, and two names that differ by it would be one.
    if (isText && value.isWellFormed()) return value
    this.fault(path, value, `a text of whole characters, 1 to ${maxBytes} bytes`)
    return ''
  }

  integer(value: unknown, path: string, min: number, max: number): number {
    const number = typeof value === 'string' && WHOLE_NUMBER.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    this.fault(path, value, `a whole number, ${min} to ${max}`)
    return min
  }

  bytes(value: unknown, path: string, length: number): Uint8Array {
    const isHex = typeof value === 'string' && value.length === 2 * length && /^[0-9a-f]*$/.test(value)
    if (isHex) return Buffer.from(value, 'hex')
    this.fault(path, value, `${length} bytes in hex, ${2 * length} lower-case digits`)
    return Buffer.alloc(length)
  }

  timeMs(value: unknown, path: string): number {
    const timeMs = typeof value === 'string' && TIME.test(value) ? Date.parse(value) : Number.NaN
    // A day that its month does not have would be one of the next.
    if (timeMs >= 0 && new Date(timeMs).toISOString().slice(0, DAY_END) === String(value).slice(0, DAY_END))
      return timeMs
    this.fault(path, value, 'a time since 1970 in UTC, such as 2026-01-01T00:00:00Z')
    return 0
  }

  /** Notes each item whose name was there before. */
  unique<T>(items: readonly T[], path: string, nameOf: (item: T) => string): void {
    const seen = new Set<string>()
    for (const [i, item] of items.entries()) {
      const name = nameOf(item)
      if (seen.has(name)) this.fault(`${path}[${i}]`, name, 'there only once')
      seen.add(name)
    }
  }

  fault(path: string, value: unknown, rule: string): void {
    this.#faults.push({ path, value: show(value), rule })
  }

  /** @throws {GenesisError} with all that was noted */
  end(): void {
    if (this.#faults.length > 0) throw new GenesisError(this.#faults)
  }
}

/** The path of a field of what is at `path`. */
export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

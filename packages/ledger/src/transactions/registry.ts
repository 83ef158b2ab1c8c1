import type { Kind } from './kind.ts'

const MAX_CODE = 255

/** The kinds of transactions that a chain knows. */
export class Registry {
  readonly #byCode = new Map<number, Kind>()
  readonly #byName = new Map<string, Kind>()

  /** @throws {RangeError} for a code out of range, and for a code or a name that is there twice */
  constructor(kinds: Iterable<Kind>) {
    for (const kind of kinds) {
      const { code, name } = kind
      if (!(Number.isInteger(code) && code >= 1 && code <= MAX_CODE)) {
        throw new RangeError(`code ${code} of ${name} must be 1 to ${MAX_CODE}`)
      }
      if (this.#byCode.has(code) || this.#byName.has(name)) {
        throw new RangeError(`${name} with code ${code}: one of them is taken`)
      }
      this.#byCode.set(code, kind)
      this.#byName.set(name, kind)
    }
  }

  /** The kind by its number on the wire. */
  byCode(code: number): Kind | undefined {
    return this.#byCode.get(code)
  }

  byName(name: string): Kind | undefined {
    return this.#byName.get(name)
  }

  /** All kinds, in the order in which they were given. */
  kinds(): Iterable<Kind> {
    return this.#byCode.values()
  }
}

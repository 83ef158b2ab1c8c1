/** What reads bytes of strangers, and what has to hold of whatever it reads. */
export interface Target {
  readonly name: string
  /** True inputs, from which others are made. */
  readonly seeds: readonly Uint8Array[]
  /** Reads an input, and throws a `Finding` where what has to hold does not. */
  check(bytes: Uint8Array): Outcome | Promise<Outcome>
}

/** Whether an input was read, or refused as it may be. */
export type Outcome = 'read' | 'refused'

/** What a target did with an input that it must not do. */
export class Finding extends Error {
  static override readonly name = 'Finding'
  override readonly name = 'Finding'
  readonly code = 'finding'
}

/** How a decoder is held to what it promises. */
export interface Decoder<T> {
  name: string
  seeds: readonly Uint8Array[]
  decode: (bytes: Uint8Array) => T
  encode: (value: T) => Uint8Array
  /** Names of the errors by which it refuses. */
  refusals: readonly string[]
  /** The value by which `decode` refuses, where it does not throw. */
  isRefusal?: (value: unknown) => boolean
}

/** One encoding for each value: what is read is written as the same bytes. */
export function canonical<T>({ name, seeds, decode, encode, refusals, isRefusal }: Decoder<T>): Target {
  return {
    name,
    seeds,
    check(bytes) {
      const value = readOrRefuse(() => decode(bytes), refusals)
      if (value === undefined || isRefusal?.(value.read) === true) return 'refused'
      const again = encode(value.read)
      if (Buffer.compare(again, bytes) === 0) return 'read'
      throw new Finding(`${hexOf(bytes)} was read, and written again as ${hexOf(again)}`)
    },
  }
}

/** Several encodings for a value, as protobuf has them: what is read and written is read as the same again. */
export function stable<T>({ name, seeds, decode, encode, refusals, isRefusal }: Decoder<T>): Target {
  return {
    name,
    seeds,
    check(bytes) {
      const value = readOrRefuse(() => decode(bytes), refusals)
      if (value === undefined || isRefusal?.(value.read) === true) return 'refused'
      const first = encode(value.read)
      const again = readOrRefuse(() => decode(first), [])
      const second = encode(again?.read ?? value.read)
      if (Buffer.compare(first, second) === 0) return 'read'
      throw new Finding(`${hexOf(bytes)} was written as ${hexOf(first)}, and that as ${hexOf(second)}`)
    },
  }
}

/** What was read; `undefined` where it was refused by one of the errors that are for that. */
export function readOrRefuse<T>(read: () => T, refusals: readonly string[]): { read: T } | undefined {
  try {
    return { read: read() }
  } catch (err) {
    assertRefusal(err, refusals)
    return undefined
  }
}

/** @throws {Finding} unless an error is one by which a target refuses */
export function assertRefusal(err: unknown, refusals: readonly string[]): void {
  if (err instanceof Error && refusals.includes(err.name)) return
  throw new Finding(`refused by ${err instanceof Error ? `${err.name}: ${err.message}` : String(err)}`, { cause: err })
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

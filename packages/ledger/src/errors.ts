import { toHex } from './bytes.ts'

/** Why bytes were not read. */
export type MalformedCode =
  | 'truncated'
  | 'trailing-bytes'
  | 'unsafe-integer'
  | 'oversize'
  | 'empty'
  | 'not-ascending'
  | 'not-utf8'
  | 'unknown-kind'
  | 'unknown-version'
  | 'unknown-value'

/** What a `MalformedError` says. */
export interface MalformedDetails {
  /** What was read, `transaction` say. */
  what: string
  /** Where in its bytes. */
  offset: number
  expected: string
  received: string
}

/** Bytes are not the one encoding of anything. */
export class MalformedError extends Error {
  static override readonly name = 'MalformedError'
  override readonly name = 'MalformedError'
  readonly code: MalformedCode
  readonly details: MalformedDetails

  constructor(code: MalformedCode, details: MalformedDetails) {
    const { what, offset, expected, received } = details
    super(`Malformed ${what}: ${code} at byte ${offset}: ${received}, where ${expected} was expected`)
    this.code = code
    this.details = details
  }
}

/** One thing wrong with a genesis text. */
export interface GenesisFault {
  /** Where, `zones[1].name` say; empty for the text as a whole. */
  path: string
  /** What was there, as text. */
  value: string
  /** What had to be there. */
  rule: string
}

/** A genesis text is not one. All that is wrong is named at once. */
export class GenesisError extends Error {
  static override readonly name = 'GenesisError'
  override readonly name = 'GenesisError'
  readonly code = 'invalid-genesis'
  readonly faults: readonly GenesisFault[]

  constructor(faults: readonly GenesisFault[], options?: ErrorOptions) {
    const lines = faults.map(({ path, value, rule }) => `${path || 'text'} is ${value}: it must be ${rule}`)
    super(`Invalid genesis: ${lines.join('; ')}`, options)
    this.faults = faults
  }
}

/** A row was read that was not fetched: a kind reads more of the state than its `reads` say, or the caller fetched less. */
export class NotFetchedError extends Error {
  static override readonly name = 'NotFetchedError'
  override readonly name = 'NotFetchedError'
  readonly code = 'not-fetched'

  /** `key` is that of the row. */
  constructor(key: Uint8Array) {
    super(`The row under ${toHex(key)} was read, and was not among those that were fetched`)
  }
}

/** Why a `StateTree` did not do as it was told. */
export type StateTreeCode = 'stale-update' | 'not-held' | 'already-held' | 'wrong-reader'

/** The tree and the state beside it are not of one mind: a fault of the caller, or of its store. */
export class StateTreeError extends Error {
  static override readonly name = 'StateTreeError'
  override readonly name = 'StateTreeError'
  readonly code: StateTreeCode

  constructor(code: StateTreeCode, detail: string) {
    super(`State tree: ${code}: ${detail}`)
    this.code = code
  }
}

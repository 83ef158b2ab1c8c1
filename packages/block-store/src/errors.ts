/** The directory is open already, by this process or another one. */
export class StoreLockedError extends Error {
  static override readonly name = 'StoreLockedError'
  override readonly name = 'StoreLockedError'
  readonly code = 'locked'
  readonly path: string

  constructor(path: string, options?: ErrorOptions) {
    super(`The block store in ${path} is open already, in this process or another one`, options)
    this.path = path
  }
}

/** The directory cannot be opened or read; `cause` says why. */
export class StoreUnavailableError extends Error {
  static override readonly name = 'StoreUnavailableError'
  override readonly name = 'StoreUnavailableError'
  readonly code = 'unavailable'
  readonly path: string

  constructor(path: string, options?: ErrorOptions) {
    super(`The block store in ${path} cannot be read`, options)
    this.path = path
  }
}

/** What is on disk has another format than this version writes. */
export class FormatVersionError extends Error {
  static override readonly name = 'FormatVersionError'
  override readonly name = 'FormatVersionError'
  readonly code = 'format-version'
  readonly expected: number
  readonly received: number

  constructor(expected: number, received: number) {
    super(`The block store has format ${received}, and not ${expected}: open it with the version that wrote it`)
    this.expected = expected
    this.received = received
  }
}

/**
 * What is wrong with a record: its checksum, its length or shape, that it is not there, that a batch before it is not
 * there, that only part of a batch is there, that it is none of a block store, or what LevelDB says of its files.
 */
export type CorruptionCode = 'checksum' | 'malformed' | 'missing' | 'lost-batch' | 'torn-batch' | 'foreign' | 'files'

/** What is on disk is not what was written. Nothing of it is to be trusted: the chain has to be fetched anew. */
export class CorruptStoreError extends Error {
  static override readonly name = 'CorruptStoreError'
  override readonly name = 'CorruptStoreError'
  readonly code: CorruptionCode
  /** Which record. */
  readonly record: string

  constructor(record: string, code: CorruptionCode, options?: ErrorOptions) {
    super(`The block store is corrupt: ${record}: ${code}`, options)
    this.record = record
    this.code = code
  }
}

/** How a block does not join the others: its height, its parent, or its hash; or there is nothing to join. */
export type UnlinkedBlockCode = 'wrong-height' | 'wrong-parent' | 'wrong-hash' | 'empty'

/** A block does not follow the tip, or does not come before the lowest block. Nothing was changed. */
export class UnlinkedBlockError extends Error {
  static override readonly name = 'UnlinkedBlockError'
  override readonly name = 'UnlinkedBlockError'
  readonly code: UnlinkedBlockCode
  readonly expected: string
  readonly received: string

  constructor(code: UnlinkedBlockCode, expected: string, received: string) {
    super(`The block cannot be joined: ${code}: ${expected} was expected, and ${received} came`)
    this.code = code
    this.expected = expected
    this.received = received
  }
}

/** Why the tip stays: there is none, it is finalised, or its undo data was pruned. */
export type CannotRevertCode = 'empty' | 'finalised' | 'no-undo-data'

/** The tip cannot be taken off. Nothing was changed. */
export class CannotRevertError extends Error {
  static override readonly name = 'CannotRevertError'
  override readonly name = 'CannotRevertError'
  readonly code: CannotRevertCode
  /** Height of the tip. */
  readonly height: number | undefined

  constructor(code: CannotRevertCode, height?: number) {
    super(`The tip${height === undefined ? '' : ` at height ${height}`} cannot be reverted: ${code}`)
    this.code = code
    this.height = height
  }
}

/** Why a height cannot be final: there is no block so high, or a higher one is final already. */
export type CannotFinaliseCode = 'above-tip' | 'below-finalised'

/** A height cannot be made final, nor imported as such. Nothing was changed. */
export class CannotFinaliseError extends Error {
  static override readonly name = 'CannotFinaliseError'
  override readonly name = 'CannotFinaliseError'
  readonly code: CannotFinaliseCode
  readonly height: number
  /** Height of the tip, or of the newest final block. */
  readonly limit: number | undefined

  constructor(code: CannotFinaliseCode, height: number, limit: number | undefined) {
    super(`Height ${height} cannot be final: ${code}, which is ${limit ?? 'none'}`)
    this.code = code
    this.height = height
    this.limit = limit
  }
}

/** A block with its changes, or an entry, is over `maxBlockBytes`. */
export class BlockTooLargeError extends Error {
  static override readonly name = 'BlockTooLargeError'
  override readonly name = 'BlockTooLargeError'
  readonly code = 'block-too-large'
  readonly limit = 'maxBlockBytes'
  readonly value: number
  /** Size that came, in bytes. */
  readonly size: number

  constructor(size: number, value: number) {
    super(`${size} bytes are over maxBlockBytes, which is ${value}`)
    this.size = size
    this.value = value
  }
}

/** There is no room under `maxPendingBytes`: await earlier writes first. */
export class TooMuchPendingError extends Error {
  static override readonly name = 'TooMuchPendingError'
  override readonly name = 'TooMuchPendingError'
  readonly code = 'too-much-pending'
  readonly limit = 'maxPendingBytes'
  readonly value: number
  /** Bytes that are under way. */
  readonly pendingBytes: number

  constructor(size: number, pendingBytes: number, value: number) {
    super(`${size} bytes beside ${pendingBytes} under way are over maxPendingBytes, which is ${value}`)
    this.pendingBytes = pendingBytes
    this.value = value
  }
}

/** An import of state is under way already. */
export class ImportUnderWayError extends Error {
  static override readonly name = 'ImportUnderWayError'
  override readonly name = 'ImportUnderWayError'
  readonly code = 'import-under-way'

  constructor() {
    super('An import of state is under way already')
  }
}

/** The staged state was finished, dropped or closed: stage it anew. */
export class StageOverError extends Error {
  static override readonly name = 'StageOverError'
  override readonly name = 'StageOverError'
  readonly code = 'stage-over'

  constructor() {
    super('The staged state was finished, dropped or closed')
  }
}

/** The store is closed. */
export class StoreClosedError extends Error {
  static override readonly name = 'StoreClosedError'
  override readonly name = 'StoreClosedError'
  readonly code = 'closed'

  constructor(options?: ErrorOptions) {
    super('The block store is closed', options)
  }
}

/** A write failed, so that nobody knows what is on disk: nothing is read or written until the store is opened anew. */
export class StoreFailedError extends Error {
  static override readonly name = 'StoreFailedError'
  override readonly name = 'StoreFailedError'
  readonly code = 'write-failed'

  constructor(options: ErrorOptions) {
    super(`A write of the block store failed: close it and open it anew: ${String(options.cause)}`, options)
  }
}

/** A block whose body is not the one that its header names. */
export class WrongBodyError extends Error {
  static override readonly name = 'WrongBodyError'
  override readonly name = 'WrongBodyError'
  readonly code = 'wrong-tx-root'

  constructor(received: string, expected: string) {
    super(`The header states the root ${received}, and that of the body is ${expected}`)
  }
}

/** What a mempool was kept in cannot be read to its end. It is kept, and what could be read is in the pool. */
export class DamagedMempoolError extends Error {
  static override readonly name = 'DamagedMempoolError'
  override readonly name = 'DamagedMempoolError'
  readonly code = 'damaged-mempool'

  constructor(path: string, at: number, kept: string, options: { cause: unknown }) {
    const why = options.cause instanceof Error ? options.cause.message : String(options.cause)
    super(`${path} cannot be read from byte ${at} on, and is kept as ${kept}: ${why}`, options)
  }
}

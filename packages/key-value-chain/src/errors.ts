/** The store holds another chain than the one that was asked for. */
export class WrongGenesisError extends Error {
  static override readonly name = 'WrongGenesisError'
  override readonly name = 'WrongGenesisError'
  readonly code = 'wrong-genesis'

  constructor(expected: string, received: string) {
    super(`The store holds the chain ${received}, where ${expected} was expected`)
  }
}

/** The chain is closed. */
export class ChainClosedError extends Error {
  static override readonly name = 'ChainClosedError'
  override readonly name = 'ChainClosedError'
  readonly code = 'chain-closed'

  constructor() {
    super('The chain is closed')
  }
}

/** The store failed while the chain moved, so that nobody knows where it stands: open the store and the chain anew. */
export class ChainFailedError extends Error {
  static override readonly name = 'ChainFailedError'
  override readonly name = 'ChainFailedError'
  readonly code = 'chain-failed'

  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`The chain could not be moved, and has to be opened anew: ${reason}`, { cause })
  }
}

/** There is no room beside the chain for a block with the branch that it stands upon. */
export class SideBlocksFullError extends Error {
  static override readonly name = 'SideBlocksFullError'
  override readonly name = 'SideBlocksFullError'
  readonly code = 'side-blocks-full'

  constructor(maxSideBlocks: number, maxSideBytes: number) {
    super(`No room beside the chain: maxSideBlocks is ${maxSideBlocks}, and maxSideBytes ${maxSideBytes}`)
  }
}

/** A block has another body than its header says. */
export class WrongBodyError extends Error {
  static override readonly name = 'WrongBodyError'
  override readonly name = 'WrongBodyError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

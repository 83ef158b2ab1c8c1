/** The store holds another chain than that of the genesis. */
export class WrongGenesisError extends Error {
  static override readonly name = 'WrongGenesisError'
  override readonly name = 'WrongGenesisError'
  readonly code = 'wrong-genesis'
  /** Id of the chain that the genesis makes, hex. */
  readonly expected: string
  /** Id of the chain that is stored, hex. */
  readonly received: string

  constructor(expected: string, received: string) {
    super(`The store holds chain ${received}, and the genesis is of chain ${expected}: use another directory`)
    this.expected = expected
    this.received = received
  }
}

/** The state is not that of the header beside it: the store, or this program, is at fault. */
export class StateMismatchError extends Error {
  static override readonly name = 'StateMismatchError'
  override readonly name = 'StateMismatchError'
  readonly code = 'state-mismatch'
  readonly height: number
  /** Root that the header states, hex. */
  readonly expected: string
  /** Root of what is stored, hex. */
  readonly received: string

  constructor(height: number, expected: string, received: string) {
    super(`The state has root ${received}, where block ${height} states ${expected}`)
    this.height = height
    this.expected = expected
    this.received = received
  }
}

/** What is stored with a block is not what this program writes there. */
export class UnreadableBlockError extends Error {
  static override readonly name = 'UnreadableBlockError'
  override readonly name = 'UnreadableBlockError'
  readonly code = 'unreadable-block'
  readonly height: number

  constructor(height: number, why: string, options?: ErrorOptions) {
    super(`What is stored of block ${height} cannot be read: ${why}`, options)
    this.height = height
  }
}

/** Too many blocks wait to be imported already. It says nothing of the block. */
export class ImportQueueFullError extends Error {
  static override readonly name = 'ImportQueueFullError'
  override readonly name = 'ImportQueueFullError'
  readonly code = 'queue-full'

  constructor(count: number, bytes: number, limits: { maxCount: number; maxBytes: number }) {
    const { maxCount, maxBytes } = limits
    super(`${count} blocks with ${bytes} bytes would wait, where ${maxCount} with ${maxBytes} bytes may`)
  }
}

/** The chain is stopped. */
export class ChainStoppedError extends Error {
  static override readonly name = 'ChainStoppedError'
  override readonly name = 'ChainStoppedError'
  readonly code = 'stopped'

  constructor() {
    super('The chain is stopped')
  }
}

/** A step of the chain failed half way, so that memory and disk may differ. Stop it and open it anew. */
export class ChainFailedError extends Error {
  static override readonly name = 'ChainFailedError'
  override readonly name = 'ChainFailedError'
  readonly code = 'chain-failed'

  constructor(options: ErrorOptions) {
    super(`The chain failed half way through a step: stop it and open it anew: ${String(options.cause)}`, options)
  }
}

/** Signatures could not be checked. It says nothing of the block. */
export class VerifyFailedError extends Error {
  static override readonly name = 'VerifyFailedError'
  override readonly name = 'VerifyFailedError'
  readonly code = 'verify-failed'

  constructor(why: string, options?: ErrorOptions) {
    super(`Signatures could not be checked: ${why}`, options)
  }
}

/** A block was to be built on what is not the head. */
export class HeadMovedError extends Error {
  static override readonly name = 'HeadMovedError'
  override readonly name = 'HeadMovedError'
  readonly code = 'head-moved'

  constructor(asked: string, head: string) {
    super(`A block was to be built on ${asked}, and the head is ${head}`)
  }
}

/**
 * There is no room for a block beside the main chain. It says nothing of the block, but that nobody has more there than the
 * authority behind it, and that nothing of the same is worse.
 */
export class SideBlocksFullError extends Error {
  static override readonly name = 'SideBlocksFullError'
  override readonly name = 'SideBlocksFullError'
  readonly code = 'side-full'

  constructor(hash: string, limits: { maxSideBlocks: number; maxSideBytes: number }) {
    const { maxSideBlocks, maxSideBytes } = limits
    super(
      `No room for block ${hash}: of more than ${maxSideBlocks} blocks or ${maxSideBytes} bytes beside the main chain the authority behind it has most, and it is the worst of them`,
    )
  }
}

/** A checkpoint is not above what is final here, or above the head by now: there is nothing to be won by it. */
export class CheckpointBehindError extends Error {
  static override readonly name = 'CheckpointBehindError'
  override readonly name = 'CheckpointBehindError'
  readonly code = 'checkpoint-behind'
  readonly height: number
  /** Height that the chain has reached. */
  readonly reached: number

  constructor(height: number, reached: number) {
    super(`The checkpoint at height ${height} is not above height ${reached}, which the chain has reached`)
    this.height = height
    this.reached = reached
  }
}

/** What was kept of a state under way is not the state of its block. It was deleted: it is fetched anew. */
export class CorruptCheckpointError extends Error {
  static override readonly name = 'CorruptCheckpointError'
  override readonly name = 'CorruptCheckpointError'
  readonly code = 'corrupt-checkpoint'
  readonly height: number

  constructor(height: number, options: ErrorOptions) {
    super(`What was kept of the state after block ${height} is not that state, and was deleted`, options)
    this.height = height
  }
}

/** A block cannot be one of the blocks before a checkpoint. */
export class HistoryBlockError extends Error {
  static override readonly name = 'HistoryBlockError'
  override readonly name = 'HistoryBlockError'
  readonly code = 'wrong-history'
  readonly height: number

  constructor(height: number, why: string) {
    super(`Block ${height} is none of the history of this chain: ${why}`)
    this.height = height
  }
}

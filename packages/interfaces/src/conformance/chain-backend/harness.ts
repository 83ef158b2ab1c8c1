import type { ChainBackend } from '../../chain.ts'

/** A block for the suite to import, and what is true of it. */
export interface ChainBackendBlock {
  readonly bytes: Uint8Array
  /** Its header alone, as `headers` gives it. */
  readonly header: Uint8Array
  readonly height: number
  /** Hex, as in `ChainTip`. */
  readonly hash: string
  readonly parent: string
}

/** A block that is false, upon a true one. */
export interface FalseBlock {
  /** What is false about it, for the names of failures. */
  readonly fault: string
  /** How many blocks of `main` have to be there before it. */
  readonly after: number
  readonly bytes: Uint8Array
}

/** A chain at its first block, and blocks for it. */
export interface ChainBackendWorld {
  readonly chain: ChainBackend
  /** At least six, one upon the other, the first upon the tip. */
  readonly main: readonly ChainBackendBlock[]
  /** At least one: blocks that the chain must refuse, and true at no time. */
  readonly refused: readonly FalseBlock[]
  /**
   * At least two, one upon the other, the first upon a block of `main` below its last one. All of them together are
   * better than all of `main`, and no block of `main` that they are to replace is final. Without `branches` not needed.
   */
  readonly better?: readonly ChainBackendBlock[]
  /**
   * One upon the other, the first upon a block that is below the final one once all of `main` is there. They would be
   * better if it were not final. Without `finality` not needed.
   */
  readonly outdated?: readonly ChainBackendBlock[]
  /**
   * Ends the chain as a crash does, as far as that can be done, and opens what it has left behind. Without `reopens` not
   * needed. `stop` ends whichever was opened last.
   */
  reopen?(): Promise<ChainBackend> | ChainBackend
  stop(): Promise<void> | void
}

/** How the suite gets at a chain, and which of the contract's freedoms that chain takes. */
export interface ChainBackendHarness {
  /** Makes a chain of its own, and the blocks for it. */
  create(): Promise<ChainBackendWorld> | ChainBackendWorld
  /** Whether the chain can go over to a better branch. @default true */
  branches?: boolean
  /** Whether some block after the first is final once all of `main` is imported. @default true */
  finality?: boolean
  /** Whether what was imported can be opened again. @default true */
  reopens?: boolean
  /** Time that a case waits for what must happen, in ms; the runner needs to allow several times that. @default 10_000 */
  patienceMs?: number
}

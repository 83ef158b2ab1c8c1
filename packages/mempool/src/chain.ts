import type { Lane } from '@gridmesh/interfaces'
import type { Refusal } from './refusal.ts'

/** What the pool has to know of a transaction of whatever chain. The chain's own objects may extend it. */
export interface PoolTransaction {
  /** Names it, and nothing else: as a rule its hash in hex. */
  readonly id: string
  /** Who signed it. */
  readonly sender: string
  /** Its one encoding. */
  readonly bytes: Uint8Array
  /**
   * What it counts for in the limits of the pool and of a block, in bytes: its encoding, and what a block adds to it. Less
   * than its encoding is `malformed`.
   */
  readonly size: number
  /** How urgent it is. */
  readonly lane: Lane
  /** Keys of which each can be spent by one transaction only, none twice: outputs, or a number of a meter. */
  readonly spends: readonly string[]
  /** Keys that it makes for others to spend. Only those that are sure to be there once it is applied. */
  readonly makes: readonly string[]
  /** Keys that it makes or not: only the state knows. Who spends one waits until a block has made it. */
  readonly mayMake?: readonly string[] | undefined
  /** Place among the numbered transactions of its sender; they apply in this order, without a gap. */
  readonly nonce?: number | undefined
  /** Its place in a series. */
  readonly series?: SeriesPlace | undefined
}

/**
 * A place in a series, as that of a reading of a meter: a transaction applies after those of lower numbers, all or some of
 * them, and never after one of a higher number.
 */
export interface SeriesPlace {
  readonly name: string
  readonly number: number
}

/** What the pool has to know of a transaction that a block applied. */
export type AppliedTransaction = Omit<PoolTransaction, 'bytes' | 'size' | 'lane'>

/**
 * What the state says of a key: `spent` where the chain can tell, and is sure; `unknown` where it is not there now, for
 * which it may not be there yet.
 */
export type KeyState = 'unspent' | 'spent' | 'unknown'

/** A transaction to be held against the state. */
export interface Candidate<T extends PoolTransaction = PoolTransaction> {
  readonly transaction: T
  /** The transactions in the pool that make keys it spends, each once: what they make is not in the state yet. */
  readonly parents: readonly T[]
}

/** What the state, as of the tip, says of a candidate. */
export interface StateFacts {
  /** Of each key that it spends, in order. */
  readonly keys: readonly KeyState[]
  /** The nonce that the sender's next numbered transaction has to have; needed where the candidate is numbered. */
  readonly nextNonce?: number | undefined
  /**
   * Why it cannot apply, apart from keys and nonces: not the owner's signature, sums that do not match. It counts only
   * where all keys and the nonce are there, in the state or by transactions of the pool.
   */
  readonly refusal?: Refusal | undefined
}

/** What a call of the chain is given. */
export interface ChainCall {
  /** Aborts when the answer is not waited for any more. */
  readonly signal: AbortSignal
}

/** The port by which the pool meets a chain. */
export interface MempoolChain<T extends PoolTransaction = PoolTransaction> {
  /** Reads bytes, which it may keep; throws on anything that is not the one encoding of a transaction. */
  decode(bytes: Uint8Array): T
  /** Refuses what needs no state and no signature to be refused: a class, a fee. @default nothing is */
  screen?(transaction: T): Refusal | undefined
  /** Says of each transaction, in order, whether its signature holds. */
  verify(transactions: readonly T[], call: ChainCall): readonly boolean[] | Promise<readonly boolean[]>
  /** Says of each candidate, in order, what the state as of the tip has to say. */
  look(candidates: readonly Candidate<T>[], call: ChainCall): readonly StateFacts[] | Promise<readonly StateFacts[]>
}

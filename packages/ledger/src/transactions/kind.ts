import type { Codec } from '../codec/codec.ts'
import type { Refusal } from '../refusal.ts'
import type { Overlay } from '../state/overlay.ts'
import type { StateView } from '../state/state-view.ts'
import type { Claims } from './claims.ts'
import type { Transaction } from './transaction.ts'

/** What transactions are about. A block has those of `energy` or those of `governance`, and either has `authority`. */
export type Family = 'energy' | 'governance' | 'authority'

/** The block that a transaction is for. */
export interface BlockContext {
  height: number
  timeMs: number
}

/**
 * A kind of transaction: one module. Signature and nonce are seen to before. `check` and `apply` are pure functions of
 * what they are given; they read no key but those that `reads` names, and `apply` does not fail where `check` passed.
 */
export interface Kind<Body = unknown> {
  readonly name: string
  /** Its number on the wire, 1 to 255. */
  readonly code: number
  readonly family: Family
  /** Whether `check` refuses it of anybody who is no authority. */
  readonly isForAuthorities: boolean
  /** Whether it carries a nonce: so do those that nothing else keeps from being applied twice. */
  readonly isNumbered: boolean
  readonly codec: Codec<Body>
  /** What it claims before others that wait. @default nothing */
  claims?(transaction: Transaction<Body>): Claims
  /** Every key of the state that `check` and `apply` may read, so that they can be fetched at once. */
  reads(transaction: Transaction<Body>): Uint8Array[]
  /** Why the transaction does not apply to `view`; `undefined` where it does. */
  check(transaction: Transaction<Body>, view: StateView, block: BlockContext): Refusal | undefined
  apply(transaction: Transaction<Body>, state: Overlay, block: BlockContext): void
}

/** Why a transaction does not apply. */
export type TransactionRefusalCode =
  | 'invalid-signature'
  | 'unknown-kind'
  | 'wrong-family'
  | 'block-full'
  | 'wrong-nonce'
  | 'unknown-input'
  | 'not-owner'
  | 'wrong-asset'
  | 'not-conserved'
  | 'amount-overflow'
  | 'unknown-zone'
  | 'wrong-zone'
  | 'unknown-meter'
  | 'stale-sequence'
  | 'sequence-too-far'
  | 'not-authority'
  | 'already-authority'
  | 'unknown-authority'
  | 'too-many-authorities'
  | 'last-authority'
  | 'unknown-proposal'
  | 'proposal-closed'
  | 'already-voted'
  | 'wrong-action'
  | 'not-passed'

/** Why a block is not valid, besides a transaction in it. */
export type BlockRefusalCode =
  | 'wrong-chain'
  | 'wrong-height'
  | 'wrong-parent'
  | 'wrong-time'
  | 'wrong-block-kind'
  | 'block-too-large'
  | 'not-proposer'
  | 'invalid-block-signature'
  | 'wrong-tx-root'
  | 'wrong-grid-sequence'
  | 'wrong-state-root'

/** An expected outcome, and so a value and no error: the code is stable, the message names what came and what had to. */
export interface Refusal<Code extends string = TransactionRefusalCode> {
  readonly code: Code
  readonly message: string
}

export function refuse<Code extends string>(code: Code, message: string): Refusal<Code> {
  return { code, message }
}

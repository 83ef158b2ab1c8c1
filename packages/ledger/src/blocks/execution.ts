import { toHex } from '../bytes.ts'
import { MAX_BLOCK_BYTES } from '../constants.ts'
import { type Verify, verifySignature } from '../crypto/signatures.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { gridSequenceOf } from '../state/grid-states.ts'
import { Overlay } from '../state/overlay.ts'
import type { Change, StateView } from '../state/state-view.ts'
import { applyTransaction } from '../transactions/apply.ts'
import type { BlockContext, Family } from '../transactions/kind.ts'
import type { Registry } from '../transactions/registry.ts'
import { signatureOf, type Transaction } from '../transactions/transaction.ts'
import { EMPTY_BLOCK_BYTES, LENGTH_BYTES } from './block.ts'
import type { BlockKind } from './header.ts'

/** By what rules blocks are made and judged. */
export interface Rules {
  /** The kinds of transactions of this chain. */
  registry: Registry
  /** Ids, in hex, of transactions whose signatures were checked before, or `true` for all of them. @default none */
  verified?: true | { has(id: string): boolean }
  /** Checks the others, and the proposer's. @default libsodium, one after the other */
  verify?: Verify
}

/** The block that is executed. */
export interface ExecutionInit extends BlockContext {
  chainId: Uint8Array
  kind: BlockKind
}

const FAMILIES: Readonly<Record<BlockKind, readonly Family[]>> = {
  genesis: [],
  energy: ['energy', 'authority'],
  governance: ['governance', 'authority'],
}

/** Applies the transactions of one block, one after the other, over a state that stays as it is. */
export class Execution {
  readonly #state: Overlay
  readonly #init: ExecutionInit
  readonly #rules: Rules
  #byteLength = EMPTY_BLOCK_BYTES

  constructor(view: StateView, init: ExecutionInit, rules: Rules) {
    this.#state = new Overlay(view)
    this.#init = init
    this.#rules = rules
  }

  /** Applies a transaction, or says why it does not apply and leaves all as it was. */
  add(transaction: Transaction): Refusal | undefined {
    const byteLength = this.#byteLength + LENGTH_BYTES + transaction.bytes.byteLength
    if (byteLength > MAX_BLOCK_BYTES) {
      return refuse('block-full', `the block would have ${byteLength} bytes, and ${MAX_BLOCK_BYTES} are the most`)
    }
    const refusal =
      this.#checkFamily(transaction) ??
      this.#checkSignature(transaction) ??
      applyTransaction(transaction, this.#state, this.#init, this.#rules.registry)
    if (refusal === undefined) this.#byteLength = byteLength
    return refusal
  }

  changes(): Change[] {
    return this.#state.changes()
  }

  get gridSequence(): number {
    return gridSequenceOf(this.#state)
  }

  #checkFamily({ kind }: Transaction): Refusal | undefined {
    const family = this.#rules.registry.byName(kind)?.family
    const admitted = FAMILIES[this.#init.kind]
    if (family === undefined || admitted.includes(family)) return undefined
    return refuse('wrong-family', `a ${this.#init.kind} block has no ${kind}, which is of ${family}`)
  }

  #checkSignature(transaction: Transaction): Refusal | undefined {
    const { verified, verify = verifySignature } = this.#rules
    if (verified === true || verified?.has(toHex(transaction.id)) === true) return undefined
    if (verify(signatureOf(transaction, this.#init.chainId))) return undefined
    return refuse('invalid-signature', `the signature of ${toHex(transaction.sender)} does not hold on this chain`)
  }
}

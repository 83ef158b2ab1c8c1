import { type Asset, type Output, outputId, signTransaction, type Transaction, transfer } from '@gridmesh/ledger'
import { InsufficientFundsError } from '../../cli/errors.ts'
import type { KeyedMember } from './members.ts'
import { Purse } from './purse.ts'

/** Outputs of one payment beside the change. */
const MAX_PAYMENTS = 255

/** What a member of a devnet owns, as its transactions leave it: none of them waits until the one before is in a block. */
export class Trader {
  readonly name: string
  /** Number of its zone. */
  readonly zone: number
  readonly address: Uint8Array
  /** In Wh. */
  readonly energy = new Purse()
  /** In satang. */
  readonly thb = new Purse()
  /** Of the meter's last reading. */
  sequence = 0
  readonly #signer: KeyedMember['signer']

  constructor({ name, address, signer }: KeyedMember, zone: number) {
    this.name = name
    this.zone = zone
    this.address = address
    this.#signer = signer
  }

  /** Pays others, and has the change. @throws {InsufficientFundsError} */
  pay(asset: 'energy' | 'thb', payments: readonly Payment[], chainId: Uint8Array): Transaction[] {
    const transactions: Transaction[] = []
    for (let at = 0; at < payments.length; at += MAX_PAYMENTS) {
      transactions.push(this.#payOnce(asset, payments.slice(at, at + MAX_PAYMENTS), chainId))
    }
    return transactions
  }

  #payOnce(asset: 'energy' | 'thb', payments: readonly Payment[], chainId: Uint8Array): Transaction {
    const inputs = this[asset].takeMost()
    const [held, due] = [inputs, payments].map((rows) => rows.reduce((sum, { amount }) => sum + amount, 0))
    const change = (held ?? 0) - (due ?? 0)
    if (change < 0)
      throw new InsufficientFundsError(`${this.name} has ${held} of ${asset}, where ${due} are to be paid`)
    const paid = [...payments, ...(change > 0 ? [{ to: this, amount: change }] : [])]
    const outputs = paid.map(({ to, amount }): Output => ({ asset, amount, owner: to.address, zone: this.zone }))
    const body = { inputs: inputs.map(({ id }) => id), outputs }
    const transaction = signTransaction(transfer, body, { chainId, signer: this.#signer })
    for (const [index, { to, amount }] of paid.entries()) {
      to[asset].put({ id: outputId(transaction.id, index), amount, zone: this.zone })
    }
    return transaction
  }
}

/** What goes to whom. */
export interface Payment {
  readonly to: Trader
  /** Above 0. */
  readonly amount: number
}

/** Assets that a trader has. */
export const TRADED = ['energy', 'thb'] as const satisfies Asset[]

import type { PoolTransaction } from './chain.ts'
import { type Refusal, refuse } from './refusal.ts'

/** The transactions that were offered and are being checked. */
export class Pending<T extends PoolTransaction> {
  /** Of several with one id, the one that came last. */
  readonly #byId = new Map<string, T>()
  #count = 0
  #bytes = 0

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Refuses what is among them. Other bytes of the same id may be the ones whose signature holds. */
  checkKnown({ id, bytes }: T): Refusal | undefined {
    const known = this.#byId.get(id)
    if (known === undefined || Buffer.compare(known.bytes, bytes) !== 0) return undefined
    return refuse('already-known', `${id} is being checked`)
  }

  add(transaction: T): void {
    this.#byId.set(transaction.id, transaction)
    this.#count += 1
    this.#bytes += transaction.size
  }

  delete(transaction: T): void {
    const { id, size } = transaction
    if (this.#byId.get(id) === transaction) this.#byId.delete(id)
    this.#count -= 1
    this.#bytes -= size
  }
}

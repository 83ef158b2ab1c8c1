import { INITIAL_CREDIT_BYTES, ITEM_OVERHEAD_BYTES, LEAST_CREDIT_BYTES } from './constants.ts'
import { MalformedMessageError } from './errors.ts'

/** What an item costs of the credit. */
export const itemCost = (bytes: number): number => bytes + ITEM_OVERHEAD_BYTES

/** Holds the sender of a stream back while the receiver has granted no credit. */
export class CreditGate {
  #credit = INITIAL_CREDIT_BYTES
  #spent = 0
  #grants = 0
  #waiting: { resolve: () => void; reject: (error: Error) => void } | undefined
  #error: Error | undefined

  /** Whether the sender waits for credit. */
  get isWaiting(): boolean {
    return this.#waiting != null
  }

  /** Resolves as soon as there is credit, and takes the cost. An item may be larger than what is left. */
  async take(bytes: number): Promise<void> {
    while (this.#credit <= 0 && this.#error == null) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      this.#waiting = { resolve, reject }
      await promise
    }
    if (this.#error != null) throw this.#error
    this.#credit -= itemCost(bytes)
    this.#spent += itemCost(bytes)
  }

  /**
   * The receiver grants more. @throws {MalformedMessageError} where that is absurd, or comes more often than once for
   * each half of the least window
   */
  grant(bytes: number): void {
    this.#grants += 1
    if (this.#grants > 1 + this.#spent / LEAST_CREDIT_BYTES) throw new MalformedMessageError('More credits than items')
    this.#credit += bytes
    if (this.#credit > Number.MAX_SAFE_INTEGER) throw new MalformedMessageError('A credit over 53 bits')
    if (this.#credit > 0) this.#take()?.resolve()
  }

  /** Lets nothing more through. */
  fail(error: Error): void {
    this.#error ??= error
    this.#take()?.reject(this.#error)
  }

  #take(): { resolve: () => void; reject: (error: Error) => void } | undefined {
    const waiting = this.#waiting
    this.#waiting = undefined
    return waiting
  }
}

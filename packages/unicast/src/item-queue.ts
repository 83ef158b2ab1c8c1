import type { ByteBudget } from '@gridmesh/chunking'
import { itemCost } from './credit.ts'
import { MalformedMessageError } from './errors.ts'

type Result = IteratorResult<Uint8Array, undefined>

/** The items of a stream that came and were not taken. What was taken is granted again, half a window at a time. */
export class ItemQueue implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #window: number
  readonly #grant: (bytes: number) => void
  readonly #budget: ByteBudget
  #items: Uint8Array[] = []
  /** Cost of the items that came and were not granted again. */
  #outstanding = 0
  #taken = 0
  #isEnded = false
  #isReturned = false
  #error: Error | undefined
  #waiting: { resolve: (result: Result) => void; reject: (error: Error) => void }[] = []

  /** `grant` sends credit; `budget` bounds what all streams of a peer hold: a single item may be far over the window. */
  constructor(window: number, grant: (bytes: number) => void, budget: ByteBudget) {
    this.#window = window
    this.#grant = grant
    this.#budget = budget
  }

  /** Whether the consumer waits for an item. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** An item came. Returns `false` where there is no room for it. @throws {MalformedMessageError} without credit */
  push(item: Uint8Array): boolean {
    if (this.#isEnded) throw new MalformedMessageError('An item behind the end of its stream')
    // Less than a window is outstanding whenever an honest sender begins an item.
    if (this.#outstanding >= this.#window) throw new MalformedMessageError('An item without credit')
    if (this.#error != null || this.#isReturned) return true
    const consumer = this.#waiting.shift()
    if (consumer == null && !this.#budget.tryTake(item.byteLength)) return false
    this.#outstanding += itemCost(item.byteLength)
    if (consumer == null) {
      this.#items.push(item)
    } else {
      this.#count(item)
      consumer.resolve({ value: item, done: false })
    }
    return true
  }

  /** No more items come. */
  end(): void {
    this.#isEnded = true
    this.#settle()
  }

  /** The stream failed: what came before is still delivered. */
  fail(error: Error): void {
    if (this.#isEnded) return
    this.#error ??= error
    this.#settle()
  }

  async next(): Promise<Result> {
    const item = this.#items.shift()
    if (item != null) {
      this.#budget.release(item.byteLength)
      this.#count(item)
      return { value: item, done: false }
    }
    if (this.#error != null) throw this.#error
    if (this.#isEnded || this.#isReturned) return { value: undefined, done: true }
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    this.#waiting.push({ resolve, reject })
    return promise
  }

  async return(): Promise<Result> {
    this.discard()
    return { value: undefined, done: true }
  }

  /** Nobody takes any more items: lets go of those that are held. */
  discard(): void {
    for (const item of this.#items) this.#budget.release(item.byteLength)
    this.#items = []
    this.#isReturned = true
    this.#settle()
  }

  #settle(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { resolve, reject } of waiting) {
      if (this.#error == null) resolve({ value: undefined, done: true })
      else reject(this.#error)
    }
  }

  #count(item: Uint8Array): void {
    this.#taken += itemCost(item.byteLength)
    if (this.#taken * 2 < this.#window || this.#isEnded || this.#error != null) return
    this.#outstanding -= this.#taken
    this.#grant(this.#taken)
    this.#taken = 0
  }
}

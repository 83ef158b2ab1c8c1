import type { HandleOptions, UnicastHandler, UnicastStreamHandler } from '@gridmesh/interfaces'
import { MAX_RECEIPT_DELAY_MS } from './constants.ts'
import { encodeName } from './wire.ts'

/** A registered handler, of one of the two sorts. */
export type Registration =
  | { readonly isStream: false; readonly handler: UnicastHandler; readonly receiptDelayMs: number }
  | { readonly isStream: true; readonly handler: UnicastStreamHandler }

/** The handlers of a node by name, of both sorts. */
export class Handlers {
  readonly #byName = new Map<string, Registration>()

  get(name: string): Registration | undefined {
    return this.#byName.get(name)
  }

  /** @throws {RangeError} for a name that is taken or too long, and for a delay out of its range */
  add(name: string, handler: UnicastHandler, { receiptDelayMs = 0 }: HandleOptions = {}): void {
    if (!(receiptDelayMs >= 0 && receiptDelayMs <= MAX_RECEIPT_DELAY_MS)) {
      throw new RangeError(`receiptDelayMs ${receiptDelayMs} must be from 0 to ${MAX_RECEIPT_DELAY_MS}`)
    }
    this.#register(name, { isStream: false, handler, receiptDelayMs })
  }

  /** @throws {RangeError} for a name that is taken or too long */
  addStream(name: string, handler: UnicastStreamHandler): void {
    this.#register(name, { isStream: true, handler })
  }

  remove(name: string): void {
    this.#byName.delete(name)
  }

  #register(name: string, registration: Registration): void {
    encodeName(name)
    if (this.#byName.has(name)) throw new RangeError(`${JSON.stringify(name)} already has a handler`)
    this.#byName.set(name, registration)
  }
}

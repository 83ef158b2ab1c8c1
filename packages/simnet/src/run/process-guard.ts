import type { EventEmitter } from 'node:events'

type Kind = 'uncaughtException' | 'unhandledRejection'

const KINDS: readonly Kind[] = ['uncaughtException', 'unhandledRejection']

/** Errors that nobody catches are the simulation's while it runs, not the end of the process. */
export class ProcessGuard {
  readonly #process: EventEmitter = process
  readonly #before = new Map<Kind, readonly unknown[]>()

  install(onError: (kind: Kind, err: unknown) => void): void {
    for (const kind of KINDS) {
      this.#before.set(kind, this.#process.rawListeners(kind))
      this.#process.removeAllListeners(kind)
      this.#process.on(kind, (err: unknown) => onError(kind, err))
    }
  }

  restore(): void {
    for (const [kind, listeners] of this.#before) {
      this.#process.removeAllListeners(kind)
      const on = Reflect.get(this.#process, 'on')
      for (const listener of listeners) Reflect.apply(on, this.#process, [kind, listener])
    }
    this.#before.clear()
  }
}

import { syncBuiltinESMExports } from 'node:module'

interface Patched {
  readonly target: object
  readonly key: PropertyKey
  /** What was there; nothing if the property was inherited. */
  readonly before: PropertyDescriptor | undefined
}

/** Properties that were replaced for the run, and are given back in reverse order. */
export class PatchList {
  readonly #patched: Patched[] = []

  set(target: object, key: PropertyKey, value: unknown): void {
    this.#define(target, key, { value, writable: true })
  }

  setGetter(target: object, key: PropertyKey, get: () => unknown): void {
    this.#define(target, key, { get })
  }

  /** Makes `import { x } from 'node:y'` see what was set on the module's exports, wherever it was imported before. */
  publish(): void {
    syncBuiltinESMExports()
  }

  restore(): void {
    for (const { target, key, before } of this.#patched.toReversed()) {
      if (before === undefined) Reflect.deleteProperty(target, key)
      else Object.defineProperty(target, key, before)
    }
    this.#patched.length = 0
    syncBuiltinESMExports()
  }

  #define(target: object, key: PropertyKey, descriptor: PropertyDescriptor): void {
    const before = Object.getOwnPropertyDescriptor(target, key)
    this.#patched.push({ target, key, before })
    const isEnumerable = before?.enumerable ?? true
    Object.defineProperty(target, key, { ...descriptor, configurable: true, enumerable: isEnumerable })
  }
}

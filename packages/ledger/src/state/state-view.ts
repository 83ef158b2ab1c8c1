import { bytesKey } from '../bytes.ts'

/** The state as of some block: bytes under bytes. Whoever holds it keeps what it returned unchanged. */
export interface StateView {
  /** What is under `key`; `undefined` where nothing is. */
  get(key: Uint8Array): Uint8Array | undefined
}

/** What became of one key: what a store writes, and what undoes it. `undefined` stands for nothing. */
export interface Change {
  readonly key: Uint8Array
  readonly before: Uint8Array | undefined
  readonly after: Uint8Array | undefined
}

/** The changes that undo `changes`. */
export function invert(changes: readonly Change[]): Change[] {
  return changes.map(({ key, before, after }) => ({ key, before: after, after: before })).toReversed()
}

/** A state held in memory. */
export class MemoryState implements StateView {
  readonly #rows = new Map<string, [key: Uint8Array, value: Uint8Array]>()

  get size(): number {
    return this.#rows.size
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(bytesKey(key))?.[1]
  }

  apply(changes: Iterable<Change>): void {
    for (const { key, after } of changes) {
      if (after === undefined) this.#rows.delete(bytesKey(key))
      else this.#rows.set(bytesKey(key), [key, after])
    }
  }

  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
    return this.#rows.values()
  }
}

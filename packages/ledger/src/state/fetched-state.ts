import { bytesKey } from '../bytes.ts'
import { NotFetchedError } from '../errors.ts'
import type { StateView } from './state-view.ts'

/** Rows that are fetched at once from where the state is, each key once. */
export class FetchedState implements StateView {
  readonly #rows = new Map<string, Uint8Array | undefined>()

  /** Fetches what is under `keys`, some of which may be there twice. @throws what `fetch` throws */
  static async of(
    keys: Iterable<Uint8Array>,
    fetch: (keys: Uint8Array[]) => Promise<readonly (Uint8Array | undefined)[]>,
  ): Promise<FetchedState> {
    const state = new FetchedState()
    const rows = state.#rows
    const wanted: Uint8Array[] = []
    for (const key of keys) {
      const name = bytesKey(key)
      if (rows.has(name)) continue
      rows.set(name, undefined)
      wanted.push(key)
    }
    const values = await fetch(wanted)
    let next = 0
    for (const name of rows.keys()) rows.set(name, values[next++])
    return state
  }

  /** What is under a key that was fetched. @throws {NotFetchedError} for any other */
  get(key: Uint8Array): Uint8Array | undefined {
    return this.named(bytesKey(key))
  }

  /** As `get`, by the `bytesKey` of a key. */
  named(name: string): Uint8Array | undefined {
    const value = this.#rows.get(name)
    // Nothing in the place of what was never asked for would make a state of its own.
    if (value === undefined && !this.#rows.has(name)) throw new NotFetchedError(Buffer.from(name, 'latin1'))
    return value
  }
}

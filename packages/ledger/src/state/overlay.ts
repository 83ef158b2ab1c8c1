import { areEqual, bytesKey } from '../bytes.ts'
import { FetchedState } from './fetched-state.ts'
import type { Change, StateView } from './state-view.ts'

interface Row extends Change {
  after: Uint8Array | undefined
}

/** The changes of a block over the state before it, which stays as it is. */
export class Overlay implements StateView {
  readonly #view: StateView
  /** What was read as well: so each key is asked for once. */
  readonly #rows = new Map<string, Row>()

  constructor(view: StateView) {
    this.#view = view
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#row(key).after
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#row(key).after = value
  }

  delete(key: Uint8Array): void {
    this.#row(key).after = undefined
  }

  /** Puts a value under a key that never was before, and so need not be looked up: that of a new output. */
  create(key: Uint8Array, value: Uint8Array): void {
    this.#rows.set(bytesKey(key), { key, before: undefined, after: value })
  }

  /** What is other than before. What came and went again is not. */
  changes(): Change[] {
    const changes: Change[] = []
    for (const row of this.#rows.values()) if (isChanged(row)) changes.push(row)
    return changes
  }

  #row(key: Uint8Array): Row {
    const name = bytesKey(key)
    const known = this.#rows.get(name)
    if (known !== undefined) return known
    const view = this.#view
    // The name is worked out already.
    const value = view instanceof FetchedState ? view.named(name) : view.get(key)
    const row = { key, before: value, after: value }
    this.#rows.set(name, row)
    return row
  }
}

function isChanged({ before, after }: Change): boolean {
  if (before === undefined || after === undefined) return before !== after
  return before !== after && !areEqual(before, after)
}

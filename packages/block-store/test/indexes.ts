import type { StateIndex } from '../src/index.ts'

/** By up to two bytes of the value, each of them one of the last three there are; an empty value has no term. */
const byValue: StateIndex = {
  id: 'value',
  termOf: (_key, value) => {
    const [first] = value
    return first === undefined ? undefined : value.slice(0, first % 3).map((byte) => 255 - (byte % 3))
  },
}
/** By the length of the key. */
const byKey: StateIndex = { id: 'key', termOf: (key) => Uint8Array.of(key.length) }

/** Indexes by the name that a test gives them. */
export const INDEXES: Readonly<Record<string, StateIndex>> = { value: byValue, key: byKey }

/** The options of a store with an index, or without. */
export const withIndex = (name: string | undefined): { index?: StateIndex } => {
  const index = name === undefined ? undefined : INDEXES[name]
  return index === undefined ? {} : { index }
}

import { expect } from 'vitest'
import type { BlockStore, KeyValueStore, StateIndex } from '../src/index.ts'
import { loadMeta } from '../src/meta.ts'
import { hex } from './blocks.ts'
import { dump, stateOf } from './helpers.ts'

/** Bytes of a string in hexadecimal. */
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

type Entries = readonly (readonly [key: string, value: string])[]

/** The entries of a state by their terms, in the order of their keys. */
export function termsOf(index: StateIndex, entries: Entries): Map<string, (readonly [string, string])[]> {
  const terms = new Map<string, (readonly [string, string])[]>()
  for (const entry of entries) {
    const term = index.termOf(unhex(entry[0]), unhex(entry[1]))
    if (term !== undefined) terms.set(hex(term), [...(terms.get(hex(term)) ?? []), entry])
  }
  return terms
}

/** What a store finds by a term. */
export async function indexedOf(store: BlockStore, term: Uint8Array): Promise<[string, string][]> {
  const found: [string, string][] = []
  for await (const [key, value] of store.indexed(term)) found.push([hex(key), hex(value)])
  return found
}

/** How many records of an index are on a disk, whoever's; of one generation, or of all. */
export async function recordsOfIndex(disk: KeyValueStore, generation?: number): Promise<number> {
  const prefix = generation === undefined ? '67' : `67${generation.toString(16).padStart(8, '0')}`
  return [...(await dump(disk)).keys()].filter((key) => key.startsWith(prefix) && key.slice(10, 12) === '78').length
}

/** Holds the index of a store against entries: every term has those that are its, and the disk nothing besides. */
export async function expectIndex(
  store: BlockStore,
  { index, entries, disk }: { index: StateIndex | undefined; entries?: Entries; disk?: KeyValueStore },
): Promise<void> {
  if (index === undefined) {
    await expect(indexedOf(store, new Uint8Array())).rejects.toThrow(TypeError)
    if (disk !== undefined) expect(await recordsOfIndex(disk)).toBe(0)
    return
  }
  const terms = termsOf(index, entries ?? (await stateOf(store)))
  for (const [term, expected] of terms) expect(await indexedOf(store, unhex(term))).toEqual(expected)
  expect(await indexedOf(store, Uint8Array.of(1, 2, 3))).toEqual([])
  const count = [...terms.values()].reduce((sum, each) => sum + each.length, 0)
  // A state that is staged may have some that count for nothing yet.
  if (disk !== undefined) expect(await recordsOfIndex(disk, (await loadMeta(disk)).generation)).toBe(count)
}

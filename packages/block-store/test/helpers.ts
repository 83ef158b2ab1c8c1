import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { BlockStore, KeyValueStore, StoredBlock } from '../src/index.ts'
import { bytes, hex } from './blocks.ts'

/** A block in one string, so that a comparison is of every byte. */
export function textOf({ height, hash, parent, header, body, transactions }: StoredBlock): string {
  return [height, ...[hash, parent, header, body, ...transactions].map(hex)].join(' ')
}

/** Everything a key-value store holds. */
export async function dump(store: KeyValueStore): Promise<Map<string, string>> {
  const all = new Map<string, string>()
  const iterator = store.iterator({})
  for (let some = await iterator.next(); some.length > 0; some = await iterator.next()) {
    for (const [key, value] of some) all.set(hex(key), hex(value))
  }
  await iterator.close()
  return all
}

/** All but what counts batches: the numbers of the last ones, and the sequence in the meta record. */
export async function content(store: KeyValueStore): Promise<string[]> {
  const counters = new Set([
    Buffer.from('meta').toString('hex'),
    ...Array.from({ length: 64 }, (_, i) => hex(Uint8Array.of(0x6a, i))),
  ])
  return [...(await dump(store))].filter(([key]) => !counters.has(key)).map((pair) => pair.join(' '))
}

/** All that a store does, for one that does something else as well. */
export function passing(disk: KeyValueStore): KeyValueStore {
  return {
    get: (key) => disk.get(key),
    getMany: (keys) => disk.getMany(keys),
    batch: (operations, options) => disk.batch(operations, options),
    iterator: (range) => disk.iterator(range),
    snapshot: () => disk.snapshot(),
    clear: (range, options) => disk.clear(range, options),
    close: () => disk.close(),
  }
}

/** Resolves when all that is not in use is deleted: only then another state can be staged. */
export async function tidied(store: BlockStore): Promise<void> {
  const staged = await store.stageState(bytes('none'))
  await staged.drop()
}

/** A disk that counts the operations of each batch. */
export function counting(disk: KeyValueStore): { store: KeyValueStore; batches: number[] } {
  const batches: number[] = []
  const store: KeyValueStore = {
    ...passing(disk),
    async batch(operations, options) {
      batches.push(operations.length)
      await disk.batch(operations, options)
    },
  }
  return { store, batches }
}

/** The state in key order. */
export async function stateOf(store: BlockStore): Promise<[string, string][]> {
  const entries: [string, string][] = []
  for await (const [key, value] of store.entries()) entries.push([hex(key), hex(value)])
  return entries
}

/** What a promise was rejected with, as far as a caller compares it. */
export async function refusal(promise: Promise<unknown>): Promise<{ name: string; code: unknown }> {
  try {
    await promise
  } catch (err) {
    if (err instanceof Error) return { name: err.name, code: 'code' in err ? err.code : undefined }
    throw err
  }
  return { name: 'none', code: undefined }
}

/** A folder that goes with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'block-store-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

/** A store that is closed with the test. */
export async function opened<T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> {
  const store = await opening
  onTestFinished(() => store.close())
  return store
}

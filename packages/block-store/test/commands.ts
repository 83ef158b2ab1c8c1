import * as fc from 'fast-check'
import type { BlockStore, StateEntry, StoredBlock } from '../src/index.ts'
import { block, bytes, digest } from './blocks.ts'
import { textOf } from './helpers.ts'
import type { Model } from './model.ts'

/** What is done with a store and with its model. */
export type Command =
  | { kind: 'append'; branch: string; after: Record<string, string | null> }
  | { kind: 'revert' | 'finalise' }
  | { kind: 'reopen'; index: string | undefined }
  | { kind: 'import' | 'stage'; entries: StateEntry[] }

/** Keys of entries, few, so that they come again. */
export const KEYS = ['', 'a', 'aa', 'b', '\u0000', 'z'.repeat(40)]
/** What becomes of entries; `null` deletes one. */
export const after = fc.dictionary(fc.constantFrom(...KEYS), fc.option(fc.string({ maxLength: 6 })), { maxKeys: 5 })
/** Name of an index, or none. */
export const index = fc.constantFrom(undefined, 'value', 'key')
// Some come twice.
const entry = fc.tuple(fc.constantFrom(...KEYS), fc.string({ maxLength: 6 }))
const entries = fc
  .array(entry, { maxLength: 8 })
  .map((all) => all.map(([key, value]): StateEntry => [bytes(key), bytes(value)]))
export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('append' as const), branch: fc.constantFrom('x', 'y'), after }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('revert' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('finalise' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), index }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('import' as const, 'stage' as const), entries }) },
)

/** What a command came to, and what it must by the model. */
export interface Outcome {
  came: string
  expected: string
}

/** Does the same with both. */
export async function run(store: BlockStore, model: Model, step: Command, keepBlocks: number): Promise<Outcome> {
  if (step.kind === 'append') {
    const parent = model.tip
    const next = { ...block(model.nextHeight, step.branch), parent: parent?.hash ?? digest('nothing') }
    const changes = model.changes(step.after)
    await store.append(next, changes)
    model.append(next, changes, keepBlocks)
  } else if (step.kind === 'revert') {
    const { tip } = model
    const expected = model.canRevert() && tip !== undefined ? textOf(tip) : 'CannotRevertError'
    const came = await store.revert().then(textOf, (err: Error) => err.name)
    // Neither has where the disk died.
    if (came === expected && model.canRevert()) model.revert()
    return { came, expected }
  } else if (step.kind === 'finalise' && model.tip !== undefined) {
    // Two below the tip, so that there is something to revert after it.
    const height = Math.max(model.tip.height - 2, model.finalised ?? 0)
    await store.finalise(height)
    model.finalised = height
  } else if (step.kind === 'import' || step.kind === 'stage') {
    const tip = block(model.nextHeight + 3, 'imported')
    if (step.kind === 'import') await store.importState(step.entries, tip)
    else await stage(store, step.entries, tip)
    model.import(tip, step.entries)
  }
  return { came: 'done', expected: 'done' }
}

/** Stages a state in two parts, the first of which comes twice, the other way round at first. */
async function stage(store: BlockStore, all: readonly StateEntry[], tip: StoredBlock): Promise<void> {
  const staged = await store.stageState(bytes('state'))
  await staged.add(0, all.slice(0, 3).toReversed())
  await staged.addAll([
    { part: 0, entries: all.slice(0, 3) },
    { part: 1, entries: all.slice(3) },
  ])
  await staged.finish(tip)
}

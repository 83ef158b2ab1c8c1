import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { BlockStore, type KeyValueStore, memoryStore } from '../src/index.ts'
import { block, digest, hex } from './blocks.ts'
import { dump, stateOf, textOf } from './helpers.ts'
import { Model } from './model.ts'

type Command =
  | { kind: 'append'; branch: string; after: Record<string, string | null> }
  | { kind: 'revert' | 'finalise' | 'reopen' }

const KEYS = ['', 'a', 'aa', 'b', '\u0000', 'z'.repeat(40)]
const after = fc.dictionary(fc.constantFrom(...KEYS), fc.option(fc.string({ maxLength: 6 })), { maxKeys: 5 })
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('append' as const), branch: fc.constantFrom('x', 'y'), after }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('revert' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('finalise' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
)
// 0 keeps nothing in memory; 600 holds one or two entries, so that all that can be read is evicted now and then.
const cacheBytes = fc.constantFrom(0, 600, 100_000)

/** What a command came to, and what it must by the model. */
interface Outcome {
  came: string
  expected: string
}

/** Does the same with both. */
async function run(store: BlockStore, model: Model, step: Command, keepBlocks: number): Promise<Outcome> {
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
    if (model.canRevert()) model.revert()
    return { came, expected }
  } else if (step.kind === 'finalise' && model.tip !== undefined) {
    // Two below the tip, so that there is something to revert after it.
    const height = Math.max(model.tip.height - 2, model.finalised ?? 0)
    await store.finalise(height)
    model.finalised = height
  }
  return { came: 'done', expected: 'done' }
}

async function expectSame(store: BlockStore, model: Model): Promise<void> {
  expect(store.tip?.height).toBe(model.tip?.height)
  expect(store.tip === undefined ? undefined : hex(store.tip.hash)).toBe(
    model.tip === undefined ? undefined : hex(model.tip.hash),
  )
  expect(store.finalised).toBe(model.finalised)
  expect(await stateOf(store)).toEqual(model.entries())
  const names = KEYS.map((key) => new TextEncoder().encode(key))
  const values = await store.getMany(names)
  expect(values.map((value) => value && hex(value))).toEqual(names.map((name) => model.state.get(hex(name))))
  const headers = await store.headers(0, 1_000)
  expect(headers.map(({ hash }) => hex(hash))).toEqual(model.steps.map((step) => hex(step.block.hash)))
  for (const { block: known } of model.steps) await expectBlock(store, known, known.height >= model.keptFrom)
  expect(await store.header(model.nextHeight)).toBeUndefined()
}

type Known = Model['steps'][number]['block']
async function expectBlock(store: BlockStore, known: Known, isKept: boolean): Promise<void> {
  const { height, hash, parent, header, body, transactions } = known
  for (const at of [height, hash]) {
    const found = await store.header(at)
    expect(found && [found.height, hex(found.hash), hex(found.parent), hex(found.header)]).toEqual([
      height,
      hex(hash),
      hex(parent),
      hex(header),
    ])
  }
  expect(await store.heightOf(hash)).toBe(height)
  const stored = await store.body(hash)
  expect(stored && hex(stored)).toBe(isKept ? hex(body) : undefined)
  for (const [position, id] of transactions.entries()) {
    expect(await store.transaction(id)).toEqual(isKept ? { height, position } : undefined)
  }
}

/** All but what counts batches: the numbers of the last ones, and the sequence in the meta record. */
async function content(store: KeyValueStore): Promise<string[]> {
  const counters = new Set([
    Buffer.from('meta').toString('hex'),
    ...Array.from({ length: 64 }, (_, i) => hex(Uint8Array.of(0x6a, i))),
  ])
  return [...(await dump(store))].filter(([key]) => !counters.has(key)).map((pair) => pair.join(' '))
}

it('reads what a plain model reads, after any appends, reverts, finalisations and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 25 }),
      fc.constantFrom(1, 3, Infinity),
      cacheBytes,
      async (commands, keepBlocks, maxCacheBytes) => {
        const disk = memoryStore()
        const model = new Model()
        let store = await BlockStore.over(disk, { keepBlocks, maxCacheBytes })
        for (const step of commands) {
          if (step.kind === 'reopen') {
            await store.close()
            store = await BlockStore.over(disk, { keepBlocks, maxCacheBytes })
            continue
          }
          const { came, expected } = await run(store, model, step, keepBlocks)
          expect(came).toBe(expected)
        }
        await expectSame(store, model)
        await store.close()
      },
    ),
    { numRuns: 150 },
  )
}, 60_000)

it('leaves every record as it was, byte by byte, after an append and its revert, but for the counters of batches', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 12 }), after, async (commands, changed) => {
      const disk = memoryStore()
      const model = new Model()
      const store = await BlockStore.over(disk)
      for (const step of commands) await run(store, model, step, Infinity)
      const [contentBefore, statsBefore] = [await content(disk), store.stats()]
      await run(store, model, { kind: 'append', branch: 'z', after: changed }, Infinity)
      await store.revert()
      expect(await content(disk)).toEqual(contentBefore)
      const { base, bodiesFrom, undoFrom } = store.stats()
      expect({ base, bodiesFrom, undoFrom }).toEqual({
        base: statsBefore.base,
        bodiesFrom: statsBefore.bodiesFrom,
        undoFrom: statsBefore.undoFrom,
      })
      await store.close()
    }),
    { numRuns: 100 },
  )
}, 60_000)

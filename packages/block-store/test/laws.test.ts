import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { BlockStore, memoryStore } from '../src/index.ts'
import { hex } from './blocks.ts'
import { after, command, index, KEYS, run } from './commands.ts'
import { content, stateOf, tidied } from './helpers.ts'
import { expectIndex } from './expect-index.ts'
import { withIndex } from './indexes.ts'
import { Model } from './model.ts'

// 0 keeps nothing in memory; 600 holds one or two entries, so that all that can be read is evicted now and then.
const cacheBytes = fc.constantFrom(0, 600, 100_000)

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
  const headers = await store.headers(model.base, 1_000)
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

it('reads what a plain model reads, after any appends, reverts, finalisations and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 25 }),
      fc.constantFrom(1, 3, Infinity),
      cacheBytes,
      index,
      async (commands, keepBlocks, maxCacheBytes, first) => {
        const disk = memoryStore()
        const model = new Model()
        let init = { keepBlocks, maxCacheBytes, ...withIndex(first) }
        let store = await BlockStore.over(disk, init)
        for (const step of commands) {
          if (step.kind === 'reopen') {
            await store.close()
            init = { keepBlocks, maxCacheBytes, ...withIndex(step.index) }
            store = await BlockStore.over(disk, init)
          }
          const { came, expected } = await run(store, model, step, keepBlocks)
          expect(came).toBe(expected)
          await expectIndex(store, { index: init.index, entries: model.entries(), disk })
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
    fc.asyncProperty(fc.array(command, { maxLength: 12 }), after, index, async (commands, changed, name) => {
      const disk = memoryStore()
      const model = new Model()
      const store = await BlockStore.over(disk, withIndex(name))
      for (const step of commands) await run(store, model, step, Infinity)
      await tidied(store)
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

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { BlockStore, type KeyValueStore, memoryStore } from '../src/index.ts'
import { block, put } from './blocks.ts'
import { type Command, command, index, run } from './commands.ts'
import { folder, opened, passing, stateOf } from './helpers.ts'
import { expectIndex } from './expect-index.ts'
import { withIndex } from './indexes.ts'
import { Model } from './model.ts'

const KILLS = Number(process.env['KILLS'] ?? 8)
const CHILD = fileURLToPath(new URL('./index-child.ts', import.meta.url))

/** A disk that is dead after so many writes; where that is the removal of a range, half of it is gone. */
function dying(disk: KeyValueStore, writes: number): { store: KeyValueStore; isDead: () => boolean } {
  let left = writes
  const store: KeyValueStore = {
    ...passing(disk),
    async batch(operations, options) {
      if (left-- <= 0) throw new TypeError('the disk is gone')
      await disk.batch(operations, options)
    },
    async clear(range, options) {
      if (left-- > 0) return await disk.clear(range, options)
      const iterator = disk.iterator(range)
      const entries = await iterator.next()
      await iterator.close()
      const gone = left === -1 ? entries.slice(0, entries.length / 2) : []
      await disk.batch(
        gone.map(([key]) => ({ key, value: undefined })),
        { sync: true },
      )
      throw new TypeError('the disk is gone')
    },
  }
  return { store, isDead: () => left < 0 }
}

/** Does as many commands as the disk lives, over a model, which is then of the last one that was acknowledged. */
async function untilDead(
  disk: KeyValueStore,
  { commands, model, first }: { commands: readonly Command[]; model: Model; first: string | undefined },
): Promise<void> {
  let store: BlockStore | undefined
  try {
    store = await BlockStore.over(disk, withIndex(first))
    for (const step of commands) {
      if (step.kind === 'reopen') {
        await store.close()
        store = await BlockStore.over(disk, withIndex(step.index))
      } else await run(store, model, step, Infinity)
    }
  } catch {
    // As far as it came.
  } finally {
    await store?.close()
  }
}

it('is that of the state, whichever write the disk died at and whatever index is asked for then', async () => {
  let died = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { minLength: 3, maxLength: 12 }),
      fc.nat(30),
      index,
      index,
      async (commands, writes, first, second) => {
        const disk = memoryStore()
        const model = new Model()
        const { store: mortal, isDead } = dying(disk, writes)
        await untilDead(mortal, { commands, model, first })
        if (isDead()) died += 1
        const store = await opened(BlockStore.over(disk, withIndex(second)))
        expect(await stateOf(store)).toEqual(model.entries())
        await expectIndex(store, { index: withIndex(second).index, disk })
        // It goes on from there.
        await run(store, model, { kind: 'append', branch: 'x', after: { a: '1', b: null } }, Infinity)
        await expectIndex(store, { index: withIndex(second).index, entries: model.entries(), disk })
      },
    ),
    { numRuns: 300 },
  )
  expect(died).toBeGreaterThan(50)
}, 60_000)

it(
  `is that of the state after a kill while it was built or deleted, ${KILLS} times at random moments`,
  async () => {
    const path = folder()
    const store = await BlockStore.open(path)
    const changes = Array.from({ length: 5_000 }, (_, i) => put(`${i}`, `${i}`))
    await store.append(block(0), changes)
    await store.close()
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [CHILD, path], { stdio: ['ignore', 'pipe', 'inherit'] })
      // Timed from the first store that it opened: how long a process takes to start says nothing.
      child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), Math.random() * 150))
      const { promise, resolve } = Promise.withResolvers<string | null>()
      child.on('close', (_code, signal) => resolve(signal))
      expect(await promise).toBe('SIGKILL')
      const name = ['value', 'key', undefined][kill % 3]
      const again = await BlockStore.open(path, withIndex(name))
      expect(await stateOf(again)).toHaveLength(5_000)
      await expectIndex(again, { index: withIndex(name).index })
      await again.close()
    }
  },
  30_000 + KILLS * 5_000,
)

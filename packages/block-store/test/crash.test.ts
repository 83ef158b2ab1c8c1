import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { BlockStore } from '../src/index.ts'
import { hex } from './blocks.ts'
import { follow, stepAt } from './crash-plan.ts'
import { folder, stateOf } from './helpers.ts'
import { expectIndex } from './expect-index.ts'
import { withIndex } from './indexes.ts'
import { Model } from './model.ts'

// For a longer run: KILLS=200 vitest run --project unit packages/block-store/test/crash.test.ts
const KILLS = Number(process.env['KILLS'] ?? 10)
const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url))

/** Runs the child from a step on, kills it some time after its first acknowledgement; the last step acknowledged. */
async function runAndKill(path: string, first: number, index: string): Promise<number> {
  const child = spawn(process.execPath, [CHILD, path, String(first), index], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    // Timed from the first acknowledgement: how long a process takes to start says nothing.
    if (printed === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * 60)
    printed += text
  })
  const { promise, resolve } = Promise.withResolvers<string | null>()
  child.on('close', (_code, signal) => resolve(signal))
  expect(await promise).toBe('SIGKILL')
  const lines = printed.split('\n')
  return Number(lines.at(-2))
}

/** The chain of a store, so far as it is one with a model's. */
async function isAt(store: BlockStore, model: Model): Promise<boolean> {
  const { tip } = store
  if (tip?.height !== model.tip?.height || store.finalised !== model.finalised) return false
  return JSON.stringify(await stateOf(store)) === JSON.stringify(model.entries())
}

it(
  `opens at a whole block and without loss of what was acknowledged, killed ${KILLS} times at random moments`,
  async () => {
    const path = folder()
    const model = new Model()
    let next = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const index = ['value', 'none', 'key', 'key'][kill % 4] ?? 'none'
      const last = await runAndKill(path, next, index)
      for (; next <= last; next++) follow(model, stepAt(next))
      const store = await BlockStore.open(path, withIndex(index))
      // The step under way when it was killed may be on the disk, though nobody was told.
      if (!(await isAt(store, model))) follow(model, stepAt(next++))
      expect(await isAt(store, model)).toBe(true)
      await expectIndex(store, { index: withIndex(index).index, entries: model.entries() })
      const headers = await store.headers(0, 2_000)
      expect(headers.map(({ hash }) => hex(hash)).slice(0, model.nextHeight)).toEqual(
        model.steps.slice(0, 2_000).map((step) => hex(step.block.hash)),
      )
      await store.close()
    }
  },
  30_000 + KILLS * 5_000,
)

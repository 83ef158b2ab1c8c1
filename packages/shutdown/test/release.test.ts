import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { GracefulShutdown } from '../src/index.ts'

/** Frees what nothing holds any more. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  // A weak reference holds on until the end of the turn in which it was made or read.
  await setImmediate()
  collect()
}

/** Registers a step that holds something large, and returns a weak reference to that. */
function registerHolder(ending: GracefulShutdown): WeakRef<Uint8Array> {
  const held = new Uint8Array(1_024)
  ending.register('drain', 'holder', () => {
    held.fill(1)
  })
  return new WeakRef(held)
}

it('holds steps until they have run, and lets go of them then', async () => {
  const ending = new GracefulShutdown()
  const held = registerHolder(ending)
  await collectGarbage()
  expect(held.deref()).toBeDefined()
  await ending.run()
  await collectGarbage()
  expect(held.deref()).toBeUndefined()
  expect(await ending.run()).toMatchObject({ clean: true })
})

import assert from 'node:assert/strict'
import type { ConformanceCase } from '../case.ts'
import { assertAborted } from '../expectations.ts'
import type { ChainBackendBench, ChainBackendTrial } from './trial.ts'

const AT_ONCE = 8

/** What becomes of blocks. */
export function importCases(bench: ChainBackendBench): ConformanceCase[] {
  return [
    bench.law('imports blocks upon its tip, and each is then the tip', async (trial) => {
      for (const block of trial.world.main) {
        await trial.take([block])
        await trial.assertTip(block)
      }
    }),
    bench.law('knows the blocks that it has, and is not changed by them', async (trial) => {
      await trial.takeMain(3)
      for (const index of [0, 2, 1]) {
        const { bytes } = trial.main(index)
        const outcome = await trial.unchanged('a known block', async () => trial.import(bytes))
        assert.deepEqual(outcome, { status: 'known' })
      }
    }),
    bench.law('names the parent that it does not have, and takes the block once it has it', async (trial) => {
      const [first, second, third] = [trial.main(0), trial.main(1), trial.main(2)]
      await trial.take([first])
      const orphan = await trial.unchanged('an orphan', async () => trial.import(third.bytes))
      assert.deepEqual(orphan, { status: 'unknown-parent', parent: second.hash })
      assert.deepEqual(await trial.blocks([third.hash]), [undefined], 'an orphan is given as a block')
      await trial.take([second, third])
      await trial.assertTip(third)
    }),
    bench.law('refuses a false block by a code each time, is not changed by it, and goes on', refusesFalse),
    bench.law('refuses bytes that are no block, and takes the block itself after that', refusesBytes),
    bench.law('imports a block once, however many times at once it comes', async (trial) => {
      const [first, second] = [trial.main(0), trial.main(1)]
      for (const { bytes } of [first, second]) {
        const imports = Array.from({ length: AT_ONCE }, async () => trial.import(bytes))
        const words = (await Promise.all(imports)).map(({ status }) => status)
        assert.deepEqual(words.toSorted(), ['imported', ...Array.from({ length: AT_ONCE - 1 }, () => 'known')])
      }
      await trial.assertTip(second)
    }),
    bench.law('imports nothing under a signal that is aborted', async (trial) => {
      const [block, signal] = [trial.main(0), AbortSignal.abort()]
      const importing = async (): Promise<unknown> =>
        trial.patience.rejection('importBlock', trial.chain.importBlock(block.bytes, { signal }))
      assertAborted(await trial.unchanged('an aborted import', importing), signal, 'importBlock')
      await trial.take([block])
    }),
    bench.law('imports all of a block or nothing, where its signal aborts meanwhile', abortsMeanwhile),
  ]
}

async function refusesFalse(trial: ChainBackendTrial): Promise<void> {
  const { refused, main } = trial.world
  assert.notEqual(refused.length, 0, 'the harness made no block to be refused')
  for (const [index, block] of [undefined, ...main].entries()) {
    if (block !== undefined) await trial.take([block])
    for (const { fault, bytes } of refused.filter(({ after }) => after === index)) {
      const first = await trial.unchanged(fault, async () => trial.import(bytes))
      trial.assertRefused(first, fault)
      const again = await trial.unchanged(fault, async () => trial.import(bytes))
      trial.assertRefused(again, `${fault}, once more`)
    }
  }
}

async function refusesBytes(trial: ChainBackendTrial): Promise<void> {
  const [first, second] = [trial.main(0), trial.main(1)]
  await trial.take([first])
  const { bytes } = second
  const longer = new Uint8Array(bytes.byteLength + 1)
  longer.set(bytes)
  const faults: readonly (readonly [string, Uint8Array])[] = [
    ['no bytes', new Uint8Array()],
    ['a byte', Uint8Array.of(0)],
    ['bytes all the same', new Uint8Array(bytes.byteLength).fill(255)],
    ['a block without its last byte', bytes.slice(0, -1)],
    ['half a block', bytes.slice(0, bytes.byteLength >> 1)],
    ['a block and a byte more', longer],
  ]
  for (const [fault, wrong] of faults) {
    trial.assertRefused(await trial.unchanged(fault, async () => trial.import(wrong)), fault)
  }
  await trial.take([second])
  await trial.assertTip(second)
}

async function abortsMeanwhile(trial: ChainBackendTrial): Promise<void> {
  for (const block of trial.world.main) {
    const controller = new AbortController()
    const importing = trial.chain.importBlock(block.bytes, { signal: controller.signal }).then(
      ({ status }) => status,
      (err: unknown) => assertAborted(err, controller.signal, 'importBlock'),
    )
    await Promise.resolve()
    controller.abort()
    const status = await trial.patience.within('importBlock after its signal aborted', importing)
    // An abort may come too late to be heeded.
    const isThere = status === 'imported' || trial.chain.tip().hash === block.hash
    if (isThere) await trial.assertTip(block)
    const again = await trial.import(block.bytes)
    assert.equal(again.status, isThere ? 'known' : 'imported', `${status ?? 'aborted'}, and then ${again.status}`)
    await trial.assertTip(block)
  }
}

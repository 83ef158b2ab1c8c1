import assert from 'node:assert/strict'
import type { ConformanceCase } from '../case.ts'
import { assertAborted, hexOf } from '../expectations.ts'
import type { ChainBackendBench, ChainBackendTrial } from './trial.ts'

/** More headers than any case has. */
const PLENTY = 1_000

/** What is given of the chain. */
export function readCases(bench: ChainBackendBench): ConformanceCase[] {
  return [
    bench.law('begins with a block that it gives, and that is final', async (trial) => {
      const { base, chain } = trial
      assert.deepEqual(chain.finalised(), base)
      assert.equal((await trial.headers(base.height, PLENTY)).length, 1, 'there is one header at the beginning')
      const [block] = await trial.blocks([base.hash])
      assert.ok(block !== undefined, 'the first block is not given')
      assert.deepEqual(await trial.import(block), { status: 'known' })
    }),
    bench.law('gives headers of the chain from a height on, ascending, and no more than asked for', givesHeaders),
    bench.law('gives no header above its tip, and fewer where the chain ends', async (trial) => {
      await trial.takeMain(3)
      const { height } = trial.chain.tip()
      for (const above of [1, 2, 1_000]) assert.deepEqual(await trial.headers(height + above, PLENTY), [])
      assert.equal((await trial.headers(height, PLENTY)).length, 1)
      assert.equal((await trial.headers(height - 1, PLENTY)).length, 2)
    }),
    bench.law('gives blocks in the order asked for, and undefined for each that it does not have', givesBlocks),
    bench.law('reads nothing under a signal that is aborted', async (trial) => {
      await trial.takeMain(1)
      const [signal, { chain, patience, base }] = [AbortSignal.abort(), trial]
      const headers = chain.headers(base.height, 2, { signal })
      assertAborted(await patience.rejection('headers', headers), signal, 'headers')
      const blocks = chain.blocks([base.hash, trial.main(0).hash], { signal })
      assertAborted(await patience.rejection('blocks', blocks), signal, 'blocks')
    }),
    bench.law('gives one chain to those who read while blocks come in', readsMeanwhile),
  ]
}

async function givesHeaders(trial: ChainBackendTrial): Promise<void> {
  await trial.takeMain()
  const { main } = trial.world
  for (const [index, { height }] of main.entries()) {
    for (const limit of [0, 1, 2, main.length - index, PLENTY]) {
      const given = (await trial.headers(height, limit)).map(hexOf)
      const expected = main.slice(index, index + limit).map(({ header }) => hexOf(header))
      assert.deepEqual(given, expected, `headers(${height}, ${limit})`)
    }
  }
  assert.equal((await trial.headers(trial.base.height, PLENTY)).length, main.length + 1)
}

async function givesBlocks(trial: ChainBackendTrial): Promise<void> {
  const [first, second, third] = [trial.main(0), trial.main(1), trial.main(2)]
  await trial.take([first, second])
  const nobody = first.hash.replaceAll(/./g, 'e')
  const asked = [second.hash, third.hash, first.hash, nobody, second.hash, '', 'not a hash']
  const given = await trial.blocks(asked)
  assert.deepEqual(
    given.map((bytes) => bytes && hexOf(bytes)),
    [hexOf(second.bytes), undefined, hexOf(first.bytes), undefined, hexOf(second.bytes), undefined, undefined],
  )
  assert.deepEqual(await trial.blocks([]), [])
}

async function readsMeanwhile(trial: ChainBackendTrial): Promise<void> {
  const { main, better = [] } = trial.world
  const known = new Map([...main, ...better].map((block) => [hexOf(block.header), block]))
  const reads: Promise<Uint8Array[]>[] = []
  for (const { bytes } of [...main, ...better]) {
    const importing = trial.import(bytes)
    for (let read = 0; read < 3; read++) reads.push(trial.headers(trial.base.height + 1, PLENTY))
    await importing
  }
  for (const headers of await Promise.all(reads)) {
    let parent = trial.base.hash
    for (const header of headers) {
      const block = known.get(hexOf(header))
      assert.ok(block !== undefined, 'a header that nobody made')
      assert.equal(block.parent, parent, `header ${block.height} does not follow the one before`)
      parent = block.hash
    }
  }
}

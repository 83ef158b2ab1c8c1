import assert from 'node:assert/strict'
import type { ChainTip } from '../../chain.ts'
import type { ConformanceCase } from '../case.ts'
import { hexOf, itemAt } from '../expectations.ts'
import type { ChainBackendBlock } from './harness.ts'
import type { ChainBackendBench, ChainBackendTrial } from './trial.ts'

/** Which branch is followed, what is final of it, and what of it outlives the process. */
export function branchCases(bench: ChainBackendBench): ConformanceCase[] {
  const { branches = true, finality = true, reopens = true } = bench.harness
  const cases: ConformanceCase[] = []
  if (branches) {
    cases.push(
      bench.law('goes over to a better branch, and gives that one', async (trial) => {
        await trial.takeMain()
        await trial.take(trial.branch('better', 2))
        await assertOnBranch(trial)
      }),
      bench.law('is at the same tip whichever branch came first, or both by turns', sameTip),
      bench.law('goes over to no branch by a block that is false, and takes the true one', refusesBranch),
    )
  }
  cases.push(
    bench.law('never takes back what is final, and has it on its chain below its tip', async (trial) => {
      const watch = watchFinality(trial)
      await watch()
      for (const { bytes } of [...trial.world.main, ...(trial.world.better ?? []), ...(trial.world.outdated ?? [])]) {
        await trial.import(bytes)
        await watch()
      }
      if (finality) assert.ok(trial.chain.finalised().height > trial.base.height, 'nothing became final')
    }),
  )
  if (finality) {
    cases.push(
      bench.law('goes over to no branch that leaves below what is final', async (trial) => {
        await trial.takeMain()
        const importAll = async (): Promise<void> => {
          for (const { bytes } of trial.branch('outdated', 1)) await trial.import(bytes)
        }
        await trial.unchanged('a branch from below the final block', importAll)
      }),
    )
  }
  if (reopens) cases.push(bench.law('has all that it imported when it is opened again, and goes on', opensAgain))
  return cases
}

/** The chain is `main` up to where `better` leaves it, and `better` from there. */
async function assertOnBranch(trial: ChainBackendTrial): Promise<void> {
  const better = trial.branch('better', 2)
  const first = itemAt(better, 0, 'blocks in better')
  const before = trial.world.main.filter(({ height }) => height < first.height)
  const expected = [...before, ...better]
  await trial.assertTip(itemAt(better, better.length - 1, 'blocks in better'))
  const headers = await trial.headers(trial.base.height + 1, expected.length + 1)
  assert.deepEqual(
    headers.map(hexOf),
    expected.map(({ header }) => hexOf(header)),
  )
  for (const block of expected) await trial.assertHolds(block)
}

async function sameTip(trial: ChainBackendTrial): Promise<void> {
  const better = trial.branch('better', 2)
  const fork = trial.world.main.findIndex(({ hash }) => hash === better[0]?.parent) + 1
  await trial.takeMain(fork)
  const rest = trial.world.main.slice(fork)
  const importEach = async (blocks: readonly (ChainBackendBlock | undefined)[]): Promise<void> => {
    for (const block of blocks) {
      if (block === undefined) continue
      const outcome = await trial.import(block.bytes)
      if (outcome.status === 'imported') assert.deepEqual(outcome.tip, trial.chain.tip())
    }
  }
  await importEach(better.flatMap((block, index) => [block, rest[index]]))
  await importEach(rest.slice(better.length))
  await assertOnBranch(trial)
}

/** The better branch with a body that is not that of its last header: to be told from the true one. */
async function refusesBranch(trial: ChainBackendTrial): Promise<void> {
  const better = trial.branch('better', 2)
  const last = itemAt(better, better.length - 1, 'blocks in better')
  await trial.takeMain()
  await trial.take(better.slice(0, -1))
  // Of a Buffer, a slice would be the same memory.
  const torn = Uint8Array.from(last.bytes)
  torn[torn.byteLength - 1] = (torn.at(-1) ?? 0) ^ 1
  trial.assertRefused(await trial.unchanged('a false block', async () => trial.import(torn)), 'a false block')
  await trial.take([last])
  await assertOnBranch(trial)
}

function watchFinality(trial: ChainBackendTrial): () => Promise<void> {
  let before: ChainTip = trial.base
  let header = ''
  return async () => {
    const [tip, final] = [trial.chain.tip(), { ...trial.chain.finalised() }]
    assert.ok(final.height <= tip.height, `block ${final.height} is final, and the tip is ${tip.height}`)
    assert.ok(final.height >= before.height, `block ${before.height} was final, and now ${final.height}`)
    if (final.height === before.height) assert.equal(final.hash, before.hash, 'another block is final')
    const block = [...trial.world.main, ...(trial.world.better ?? [])].find(({ hash }) => hash === final.hash)
    const [now, then] = [await trial.headers(final.height, 1), await trial.headers(before.height, 1)]
    if (block !== undefined) assert.equal(now[0] && hexOf(now[0]), hexOf(block.header), 'what is final is elsewhere')
    if (header !== '') assert.equal(then[0] && hexOf(then[0]), header, 'what was final is no longer there')
    before = final
    header = now[0] === undefined ? '' : hexOf(now[0])
  }
}

async function opensAgain(trial: ChainBackendTrial): Promise<void> {
  const { main } = trial.world
  for (const [index, block] of main.entries()) {
    await trial.take([block])
    if (index % 2 === 1) continue
    const before = await trial.look()
    await trial.reopen()
    assert.deepEqual(await trial.look(), before, `opened again after block ${block.height}`)
    for (const held of main.slice(0, index + 1)) await trial.assertHolds(held)
    assert.deepEqual(await trial.import(block.bytes), { status: 'known' })
  }
}

import { expect, it } from 'vitest'
import {
  type ChainBackendHarness,
  type ChainBackendWorld,
  chainBackendConformance,
} from '../../src/conformance/index.ts'
import * as broken from './broken-chains.ts'
import { type Disk, ModelChain, worldOf } from './model-chain.ts'

type Create = new (disk: Disk) => ModelChain
const casesOf = (create: Create, more: Partial<ChainBackendHarness> = {}) =>
  chainBackendConformance({ create: () => worldOf(create), ...more })

it.each(casesOf(ModelChain).map(({ name, run }) => [name, run] as const))('passes for a model: %s', async (_, run) => {
  await expect(run()).resolves.toBeUndefined()
})

const UPON_TIP = 'imports blocks upon its tip, and each is then the tip'
const KNOWN = 'knows the blocks that it has, and is not changed by them'
const ORPHAN = 'names the parent that it does not have, and takes the block once it has it'
const FALSE = 'refuses a false block by a code each time, is not changed by it, and goes on'
const BYTES = 'refuses bytes that are no block, and takes the block itself after that'
const BEGINS = 'begins with a block that it gives, and that is final'
const HEADERS = 'gives headers of the chain from a height on, ascending, and no more than asked for'
const BLOCKS = 'gives blocks in the order asked for, and undefined for each that it does not have'
const BETTER = 'goes over to a better branch, and gives that one'
const FINAL = 'never takes back what is final, and has it on its chain below its tip'

it.each<[string, Create, string]>([
  ['gives another body', broken.Forgetful, UPON_TIP],
  ['stays where it is', broken.Stuck, UPON_TIP],
  ['tells another tip', broken.WrongOutcome, UPON_TIP],
  ['does not say that it knows a block', broken.Amnesiac, KNOWN],
  ['is changed by a known block', broken.Growing, KNOWN],
  ['names another parent', broken.WrongParent, ORPHAN],
  ['holds it against a block that it came too early', broken.Grudging, ORPHAN],
  ['gives orphans as blocks', broken.Keeping, ORPHAN],
  ['takes false blocks', broken.Credulous, FALSE],
  ['refuses without a reason', broken.Silent, FALSE],
  ['is changed by what it refuses', broken.Shaken, FALSE],
  ['refuses every other time', broken.Tired, FALSE],
  ['overlooks a byte more', broken.Torn, BYTES],
  ['throws where it is to refuse', broken.Throwing, BYTES],
  ['imports a block twice at once', broken.Twice, 'imports a block once, however many times at once it comes'],
  ['imports under an aborted signal', broken.Deaf, 'imports nothing under a signal that is aborted'],
  ['imports half a block', broken.Half, 'imports all of a block or nothing, where its signal aborts meanwhile'],
  ['does not have its first block', broken.Unfounded, BEGINS],
  ['has nothing final at the beginning', broken.Hasty, BEGINS],
  ['gives more headers than asked for', broken.Generous, HEADERS],
  ['gives headers backwards', broken.Backward, HEADERS],
  ['gives headers above its tip', broken.Clamping, 'gives no header above its tip, and fewer where the chain ends'],
  ['leaves out what it does not have', broken.Compact, BLOCKS],
  ['gives blocks in another order', broken.Sorted, BLOCKS],
  ['reads headers under an aborted signal', broken.Deaf, 'reads nothing under a signal that is aborted'],
  ['reads blocks under an aborted signal', broken.DeafForBlocks, 'reads nothing under a signal that is aborted'],
  ['gives two chains in one answer', broken.Mixed, 'gives one chain to those who read while blocks come in'],
  ['stays on its branch', broken.Steadfast, BETTER],
  [
    'stays on the branch that came first',
    broken.FirstSeen,
    'is at the same tip whichever branch came first, or both by turns',
  ],
  [
    'takes false blocks of a branch',
    broken.Torpid,
    'goes over to no branch by a block that is false, and takes the true one',
  ],
  ['never has anything final', broken.Never, FINAL],
  ['takes back what was final', broken.Wavering, FINAL],
  ['leaves what is final', broken.Unsound, FINAL],
  ['goes over below what is final', broken.Unsound, 'goes over to no branch that leaves below what is final'],
  ['loses what it imported', broken.Volatile, 'has all that it imported when it is opened again, and goes on'],
])('is caught: a chain that %s', async (_, create, caught) => {
  const { run } = casesOf(create).find(({ name }) => name === caught) ?? {}
  await expect(run?.()).rejects.toBeInstanceOf(Error)
})

it.each<[string, Partial<ChainBackendWorld>, string]>([
  [
    'nothing to open again',
    { reopen: () => worldOf(ModelChain).chain },
    'has all that it imported when it is opened again, and goes on',
  ],
  ['no better branch', { better: [] }, BETTER],
  ['no outdated branch', { outdated: [] }, 'goes over to no branch that leaves below what is final'],
  ['nothing to be refused', { refused: [] }, FALSE],
  ['too few blocks', { main: [] }, KNOWN],
])('fails, rather than pass by default, where the harness has %s', async (_, changes, name) => {
  const create = () => worldOf(ModelChain, changes)
  const { run } = chainBackendConformance({ create }).find((one) => one.name === name) ?? {}
  await expect(run?.()).rejects.toBeInstanceOf(Error)
})

it('leaves the cases out that a harness says do not apply, and gives each a name of its own', () => {
  const all = casesOf(ModelChain).map(({ name }) => name)
  const few = casesOf(ModelChain, { branches: false, finality: false, reopens: false }).map(({ name }) => name)
  expect(new Set(all).size).toBe(all.length)
  expect(all).toEqual(expect.arrayContaining(few))
  expect(few.filter((name) => /branch|opened again/.test(name))).toEqual([])
})

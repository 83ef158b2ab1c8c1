import { mkdir, writeFile, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BlockStore, StoreFailedError, type StateIndex } from '@gridmesh/block-store'
import fc from 'fast-check'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { EnergyChain } from '../../src/chain/energy-chain.ts'
import { ChainFailedError } from '../../src/chain/errors.ts'
import { ownerIndex } from '../../src/chain/owner-index.ts'
import { BlockFileReader, BlockFileWriter } from '../../src/cli/block-file.ts'
import { importBlocks, type ImportReport } from '../../src/cli/import-blocks.ts'
import { loadNodeConfig } from '../../src/config/load.ts'
import { GENESIS_MS, grow, offer, opened, payment } from '../chain/chains.ts'
import { consensus } from './place.ts'
import { ledgerOf, someDirectory, writeGenesis } from './network-files.ts'

const HEAD_BYTES = 42
const BLOCKS = 5

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

interface Place {
  directory: string
  genesis: string
  /** The file, its chain, and the bytes of its blocks. */
  path: string
  chain: EnergyChain
  blocks: Uint8Array[]
}

/** A chain of five blocks with a payment each, in a file. */
async function exported(name = 'test'): Promise<Place> {
  const directory = await someDirectory()
  const genesis = await writeGenesis(directory, name)
  const chain = await opened({ genesis: await ledgerOf(genesis), consensus })
  await chain.start()
  const blocks: Uint8Array[] = []
  for (let i = 0; i < BLOCKS; i++) {
    expect(await offer(chain, payment(chain, i))).toEqual(['added'])
    blocks.push((await grow(chain)).bytes)
  }
  const path = join(directory, 'blocks.gmb')
  await writeBlocks(path, chain.chainId, blocks)
  return { directory, genesis, path, chain, blocks }
}

async function writeBlocks(path: string, chainId: string, blocks: readonly Uint8Array[]): Promise<void> {
  const file = await BlockFileWriter.create(path, chainId)
  for (const block of blocks) await file.append(block)
  await file.close()
}

/** Where each block begins in the file, and last where it ends. */
function startsOf(blocks: readonly Uint8Array[]): number[] {
  const starts = [HEAD_BYTES]
  for (const { byteLength } of blocks) starts.push((starts.at(-1) ?? 0) + 4 + byteLength)
  return starts
}

let count = 0
const newName = (): string => `data-${count++}`

async function imported(
  { directory, genesis, path }: Pick<Place, 'directory' | 'genesis' | 'path'>,
  name = newName(),
  chain: Record<string, unknown> = {},
): Promise<ImportReport> {
  const dataDir = join(directory, name)
  const { config } = loadNodeConfig({
    flags: { genesis, dataDir, chain: { verifyThreads: 0, ...chain } },
  })
  const file = await BlockFileReader.open(path)
  try {
    return await importBlocks(config, file)
  } finally {
    await file.close()
  }
}

/** The index of owners, which cannot be built. */
const finished: StateIndex = {
  id: ownerIndex.id,
  termOf: () => {
    throw new RangeError('it is built anew')
  },
}

describe('importing', () => {
  it('takes all blocks into an empty directory, and none again; what is there is the chain itself', async () => {
    const place = await exported()
    const { head } = place.chain
    expect(await imported(place, 'a')).toEqual({ imported: BLOCKS, known: 0, ...head, fault: null })
    expect(await imported(place, 'a')).toEqual({ imported: 0, known: BLOCKS, ...head, fault: null })
    const genesis = await ledgerOf(place.genesis)
    const reopened = await opened({ directory: join(place.directory, 'a', 'chain'), genesis, consensus })
    expect(await reopened.backend.headers(0, 10)).toEqual(await place.chain.backend.headers(0, 10))
  })

  it('keeps the index of owners where the configuration has one, and deletes it where not', async () => {
    const place = await exported()
    const path = join(place.directory, 'a', 'chain', 'blocks')
    const reopened = async (): Promise<void> => (await BlockStore.open(path, { index: finished })).close()
    await imported(place, 'a', { ownerIndex: true })
    await reopened()
    await imported(place, 'a', { ownerIndex: false })
    await expect(reopened()).rejects.toThrow('it is built anew')
  })

  it('takes the whole blocks of a torn file, and names where it ends; the rest of them can follow', async () => {
    const place = await exported()
    const bytes = await readFile(place.path)
    const whole = join(place.directory, 'whole.gmb')
    await writeFile(whole, bytes)
    await writeFile(place.path, bytes.subarray(0, bytes.byteLength - 1))
    const report = await imported(place, 'a')
    expect(report).toMatchObject({
      imported: BLOCKS - 1,
      height: BLOCKS - 1,
      fault: expect.stringContaining('the file ends after'),
    })
    expect(await imported({ ...place, path: whole }, 'a')).toMatchObject({
      imported: 1,
      known: BLOCKS - 1,
      fault: null,
    })
  })

  it('takes no block of which one bit is another, nor any after it, and names the byte where that block begins', async () => {
    const place = await exported()
    const good = await readFile(place.path)
    const starts = startsOf(place.blocks)
    await fc.assert(
      fc.asyncProperty(fc.nat(good.byteLength - HEAD_BYTES - 1), fc.nat(7), async (at, bit) => {
        const bad = Buffer.from(good)
        const offset = HEAD_BYTES + at
        bad[offset] = (bad[offset] ?? 0) ^ (1 << bit)
        await writeFile(place.path, bad)
        const index = starts.filter((start) => start <= offset).length - 1
        const report = await imported(place)
        expect(report).toMatchObject({ imported: index, known: 0, height: index })
        expect(report.fault).toContain(`At byte ${starts[index]}: `)
      }),
      { numRuns: 15 },
    )
  })

  it('ends at a block whose parent is not there, and says what to import first', async () => {
    const place = await exported()
    const path = join(place.directory, 'later.gmb')
    await writeBlocks(path, place.chain.chainId, place.blocks.slice(2))
    expect(await imported({ ...place, path })).toMatchObject({
      imported: 0,
      height: 0,
      fault: expect.stringContaining('import the blocks before it first'),
    })
  })

  it('comes, of two branches, to the one that the configured fork choice takes', async () => {
    const directory = await someDirectory()
    const genesis = await writeGenesis(directory)
    const ledger = await ledgerOf(genesis)
    const chosen = new Set<string>()
    // Of two blocks that weigh the same one rule takes the earlier, and another the lower hash.
    for (let laterMs = 11_000; laterMs < 11_008; laterMs++) {
      const [earlier, later] = [
        await opened({ genesis: ledger, consensus }),
        await opened({ genesis: ledger, consensus }),
      ]
      const blocks = [(await grow(earlier)).bytes, (await grow(later, 0, laterMs)).bytes]
      const path = join(directory, `${laterMs}.gmb`)
      await writeBlocks(path, earlier.chainId, blocks)
      for (const forkChoice of ['timestampReputation', 'longest'] as const) {
        const { hash } = await imported({ directory, genesis, path }, newName(), { forkChoice })
        chosen.add(`${forkChoice} ${hash === earlier.head.hash ? 'earlier' : 'later'}`)
      }
    }
    expect([...chosen].toSorted()).toEqual(['longest earlier', 'longest later', 'timestampReputation earlier'])
  })

  it('tells how far it is', async () => {
    const place = await exported()
    const { config } = loadNodeConfig({
      flags: { genesis: place.genesis, dataDir: join(place.directory, 'a'), 'chain.verifyThreads': 0 },
    })
    const file = await BlockFileReader.open(place.path)
    const offsets: number[] = []
    await importBlocks(config, file, (offset) => offsets.push(offset))
    expect(offsets).toHaveLength(BLOCKS)
    expect(offsets.at(-1)).toBe(file.size)
    await file.close()
  })
})

describe('what is refused before any block', () => {
  it('is a file of another chain, by both ids', async () => {
    const [place, other] = [await exported(), await exported('other')]
    const importing = imported({ ...place, path: other.path }, 'a')
    await expect(importing).rejects.toMatchObject({ name: 'UnusableFileError', path: other.path })
    await expect(importing).rejects.toThrow(other.chain.chainId)
    await expect(importing).rejects.toThrow(place.chain.chainId)
    // And the chain is closed again.
    expect(await imported(place, 'a')).toMatchObject({ imported: BLOCKS })
  })

  it('is a directory that a node uses, or that holds another chain', async () => {
    const [place, other] = [await exported(), await exported('other')]
    const directory = join(place.directory, 'a', 'chain')
    await mkdir(directory, { recursive: true })
    const running = await opened({ directory, genesis: await ledgerOf(place.genesis), consensus })
    await expect(imported(place, 'a')).rejects.toThrow('a node is using it; stop that first')
    await running.stop()
    await expect(imported({ ...other, directory: place.directory }, 'a')).rejects.toMatchObject({
      name: 'UnusableFileError',
      path: directory,
      cause: expect.objectContaining({ name: 'WrongGenesisError' }),
    })
  })

  it('is a genesis file without a chain', async () => {
    const place = await exported()
    const genesis = await writeGenesis(place.directory, 'plain', '')
    await expect(imported({ ...place, genesis })).rejects.toMatchObject({
      name: 'NoChainInGenesisError',
      path: genesis,
    })
  })
})

it.each([
  ['is a file', 'chain', 'something else is in the way'],
  ['has a file where its store would be', 'chain/blocks', 'blocks cannot be read: .*not a directory'],
])('says why where the chain directory %s', async (_, taken, why) => {
  const place = await exported()
  const name = newName()
  const file = join(place.directory, name, taken)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, 'no directory')
  const chain = join(place.directory, name, 'chain')
  await expect(imported(place, name)).rejects.toMatchObject({
    name: 'UnusableFileError',
    message: expect.stringMatching(`^Cannot use the chain directory ${chain}: .*${why}`),
  })
})

it('says that the disk is full, and goes on from there the next time', async () => {
  const place = await exported()
  const name = newName()
  const failed = new StoreFailedError({ cause: new Error('No space left on device') })
  const spy = vi.spyOn(EnergyChain.prototype, 'importBlock')
  onTestFinished(() => spy.mockRestore())
  spy.mockRejectedValueOnce(new ChainFailedError({ cause: failed }))
  const chain = join(place.directory, name, 'chain')
  await expect(imported(place, name)).rejects.toMatchObject({
    name: 'UnusableFileError',
    message: `Cannot use the chain directory ${chain}: it cannot be written: No space left on device`,
  })
  expect(await imported(place, name)).toMatchObject({ imported: BLOCKS, fault: null })
})

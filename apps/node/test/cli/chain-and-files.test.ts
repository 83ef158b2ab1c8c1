import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuiltBlock } from '@gridmesh/consensus'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { GENESIS_MS, grow, offer, payment, reading } from '../chain/chains.ts'
import { gridmesh, gridmeshJson } from './gridmesh.ts'
import { FINAL_AFTER, place } from './place.ts'

/** What an export left in a directory. */
async function blockFiles(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('blocks.gmb'))
}

/** Where a header has the hash of its parent. */
const PARENT_AT = 41

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

describe('the chain', () => {
  it('is told, and its blocks by height, by hash and as the newest', async () => {
    const { chain, url } = await place()
    await offer(chain, payment(chain, 0), reading(chain, 1))
    const { header } = await grow(chain)
    const info = await gridmesh('chain', 'info', '--url', url)
    expect(info.stdout).toContain(chain.chainId)
    expect(info.stdout).toContain(`1 ${header.hash}`)
    expect(info.stdout).toContain('0 central, 1 bangkok')
    const newest = await gridmeshJson('chain', 'block', 'latest', '--url', url)
    expect(newest).toMatchObject({ height: 1, hash: header.hash })
    expect(await gridmeshJson('chain', 'block', '1', '--url', url)).toEqual(newest)
    expect(await gridmeshJson('chain', 'block', header.hash, '--url', url)).toEqual(newest)
    expect((await gridmesh('chain', 'block', '1', '--url', url)).stdout).toContain('meter-reading')
    expect(await gridmesh('chain', 'block', '7', '--url', url)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('the newest is 1'),
    })
  })

  it('says in one line how sync stands where nobody watches', async () => {
    const { node, url } = await place()
    expect((await gridmesh('sync', 'status', '--url', url)).stdout).toBe('in step at 0\n')
    node.syncStatus = {
      ...node.syncStatus,
      phase: 'blocks',
      progress: { from: 0, height: 40, target: 90, blocksPerSecond: 12.34 },
    }
    expect((await gridmesh('sync', 'status', '--url', url)).stdout).toBe(
      'blocks: 40 of 90, 12.3 a second, from 0 peers\n',
    )
    node.syncStatus = {
      ...node.syncStatus,
      phase: 'idle',
      progress: undefined,
      last: {
        status: 'failed',
        code: 'no-peers',
        message: 'nobody is ready',
        tip: { height: 0, hash: '' },
        imported: 0,
      },
    }
    expect((await gridmesh('sync', 'status', '--url', url)).stdout).toBe(
      'at 0; the last sync failed: nobody is ready\n',
    )
  })

  it('follows a sync to its end on a terminal', async () => {
    const { node, url } = await place()
    const terminal = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY')
    Object.defineProperty(process.stderr, 'isTTY', { value: true, configurable: true })
    // The first look comes before anything is known of how far it is.
    const heights = [0, 10, 50, 90]
    const status = vi.spyOn(node.sync, 'status').mockImplementation(() => {
      const height = heights.shift()
      const progress =
        (height ?? 0) === 0 ? undefined : { from: 0, height: height ?? 0, target: 90, blocksPerSecond: 1 }
      return { ...node.syncStatus, phase: height === undefined ? 'idle' : 'blocks', progress }
    })
    try {
      expect(await gridmesh('sync', 'status', '--url', url)).toMatchObject({ code: 0, stdout: 'in step at 0\n' })
      expect(status.mock.calls.length).toBe(6)
    } finally {
      if (terminal === undefined) Reflect.deleteProperty(process.stderr, 'isTTY')
      else Object.defineProperty(process.stderr, 'isTTY', terminal)
    }
  })
})

describe('blocks in files', () => {
  it('go from a running node through a file into an empty directory', async () => {
    const { chain, url, directory, genesis } = await place()
    for (let i = 0; i < 20; i++) {
      await offer(chain, payment(chain, i))
      await grow(chain)
    }
    const file = join(directory, 'blocks.gmb')
    expect(await gridmesh('export', file, '--url', url)).toMatchObject({
      code: 0,
      stdout: `Wrote blocks 1 to 18 into ${file}\n`,
    })
    expect(await gridmesh('export', file, '--url', url)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(file),
    })
    const where = [
      '--set',
      `genesis=${genesis}`,
      '--set',
      `dataDir=${join(directory, 'data')}`,
      '--set',
      'chain.verifyThreads=0',
    ]
    const report = await gridmeshJson('import', file, ...where)
    expect(report).toEqual({ file, chain_id: chain.chainId, imported: 18, known: 0, ...chain.finalised, fault: null })

    const part = join(directory, 'part.gmb')
    await gridmesh('export', part, '--from', '5', '--to', '7', '--url', url)
    const other = [
      '--set',
      `genesis=${genesis}`,
      '--set',
      `dataDir=${join(directory, 'other')}`,
      '--set',
      'chain.verifyThreads=0',
    ]
    expect(await gridmesh('import', part, ...other)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('import the blocks before it first'),
    })
    expect(await gridmeshJson('import', part, ...where)).toMatchObject({ imported: 0, known: 3 })
  })

  it('that are torn end with 7 and say what was imported', async () => {
    const { chain, url, directory, genesis } = await place()
    for (let i = 0; i < 3 + FINAL_AFTER; i++) await grow(chain)
    const file = join(directory, 'blocks.gmb')
    await gridmesh('export', file, '--url', url)
    await truncate(file, (await stat(file)).size - 1)
    const where = [
      '--set',
      `genesis=${genesis}`,
      '--set',
      `dataDir=${join(directory, 'data')}`,
      '--set',
      'chain.verifyThreads=0',
    ]
    expect(await gridmesh('import', file, ...where)).toMatchObject({
      code: 7,
      stdout: 'Imported 2 blocks, 0 were known; the chain is at 2\n',
      stderr: expect.stringContaining('the file ends after'),
    })
  })

  it('leave no file where they are of two branches, or the node ends', async () => {
    const { chain, url, directory, api } = await place()
    const built: BuiltBlock[] = []
    for (let i = 0; i < 3 + FINAL_AFTER; i++) built.push(await grow(chain))
    const file = join(directory, 'blocks.gmb')
    const read = chain.backend.blocks.bind(chain.backend)
    const spy = vi.spyOn(chain.backend, 'blocks').mockImplementation(async (hashes, options) => {
      const [bytes] = await read(hashes, options)
      if (bytes === undefined || hashes[0] !== built[1]?.header.hash) return [bytes]
      const other = Buffer.from(bytes)
      other[PARENT_AT] = (other[PARENT_AT] ?? 0) ^ 1
      return [other]
    })
    expect(await gridmesh('export', file, '--url', url)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('another branch'),
    })
    expect(await blockFiles(directory)).toEqual([])
    spy.mockRestore()
    await api.app.close()
    expect(await gridmesh('export', file, '--url', url)).toMatchObject({ code: 5 })
    expect(await blockFiles(directory)).toEqual([])
  })

  it('leave no file where a signal ends the command, which then ends by it', async () => {
    const { chain, url, directory } = await place()
    for (let i = 0; i < 3 + FINAL_AFTER; i++) await grow(chain)
    const file = join(directory, 'blocks.gmb')
    const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const read = chain.backend.blocks.bind(chain.backend)
    vi.spyOn(chain.backend, 'blocks').mockImplementation(async (hashes, options) => {
      asked.resolve()
      await gate.promise
      return read(hashes, options)
    })
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    onTestFinished(() => kill.mockRestore())
    const before = process.listenerCount('SIGINT')
    const exporting = gridmesh('export', file, '--url', url)
    await asked.promise
    expect(await blockFiles(directory)).toEqual(['blocks.gmb.part'])
    process.emit('SIGINT', 'SIGINT')
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGINT')
    expect([await blockFiles(directory), process.listenerCount('SIGINT')]).toEqual([[], before])
    gate.resolve()
    await exporting
    expect(await blockFiles(directory)).toEqual([])
  })

  it('that are not there are named', async () => {
    const { chain, url, directory } = await place()
    await grow(chain)
    const file = join(directory, 'blocks.gmb')
    for (const range of [
      ['--from', '2'],
      ['--to', '2'],
      ['--from', '2', '--to', '1'],
    ]) {
      expect(await gridmesh('export', file, ...range, '--url', url)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('blocks 1 to 1, of which those to 0 are final'),
      })
    }
  })
})

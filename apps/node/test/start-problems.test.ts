import { mkdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { BlockStore, StoreFailedError } from '@gridmesh/block-store'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { EnergyChain } from '../src/chain/energy-chain.ts'
import { EXIT, exitCodeOf } from '../src/cli/exit-codes.ts'
import { loadNodeConfig } from '../src/config/load.ts'
import type { NodeConfig } from '../src/config/schema.ts'
import { prepareFiles } from '../src/devnet/files.ts'
import { planDevnet } from '../src/devnet/plan.ts'
import { createLog } from '../src/logging.ts'
import { createNode } from '../src/create-node.ts'
import { someDirectory } from './cli/network-files.ts'

const log = createLog({ format: 'json', level: 'silent', components: {} })

async function configOf(flags: Record<string, unknown> = {}): Promise<NodeConfig> {
  const data = await someDirectory()
  const [node] = await prepareFiles(data, 'gridtokenx', planDevnet({ nodes: 1, baseHttp: 20_000, baseP2p: 21_000 }))
  const quiet = { 'p2p.port': 0, 'http.port': 0, 'discovery.strategies': ['stored'] }
  return loadNodeConfig({ profile: 'gridtokenx', file: node?.config ?? '', flags: { ...quiet, ...flags } }).config
}

/** What a person sees of a node that does not come up. */
async function failureOf(config: NodeConfig): Promise<{ code: number | undefined; message: string }> {
  const failure: unknown = await createNode({ config, log })
    .then((node) => node.start())
    .catch((err: unknown) => err)
  return { code: exitCodeOf(failure), message: String(failure) }
}

it('says that another node uses the data directory', async () => {
  const config = await configOf()
  const node = await createNode({ config, log })
  onTestFinished(async () => void (await node.stop()))
  const message = expect.stringContaining(`${config.dataDir}: another node is using it`)
  expect(await failureOf(config)).toEqual({ code: EXIT.badFile, message })
})

describe('says why the data directory cannot be used', () => {
  it.each([
    ['a file', '', 'something else is in the way'],
    ['below a file', '/data', 'a part of the path is not a directory'],
  ])('that is %s', async (_, below, words) => {
    const config = await configOf()
    const file = join(config.dataDir, 'file')
    await writeFile(file, 'no directory')
    const dataDir = `${file}${below}`
    const message = `UnusableFileError: Cannot use the data directory ${dataDir}: ${words}`
    expect(await failureOf({ ...config, dataDir })).toEqual({ code: EXIT.badFile, message })
  })

  it('that no directory can have the name of', async () => {
    const dataDir = `${await someDirectory()}/a\0b`
    const message = expect.stringContaining(`data directory ${dataDir}: `)
    expect(await failureOf({ ...(await configOf()), dataDir })).toEqual({ code: EXIT.badFile, message })
  })

  it.runIf(process.platform === 'linux').each(['/proc', '/proc/gridmesh', '/proc/self/gridmesh/data'])(
    'that is %s, where nobody can make anything',
    async (dataDir) => {
      const message = expect.stringMatching(`${dataDir}.*: it does not exist`)
      expect(await failureOf({ ...(await configOf()), dataDir })).toEqual({ code: EXIT.badFile, message })
    },
  )
})

it('makes the data directory and those on the way to it, for its owner alone', async () => {
  const config = await configOf()
  const dataDir = join(config.dataDir, 'a', 'b')
  const node = await createNode({ config: { ...config, dataDir }, log })
  onTestFinished(async () => void (await node.stop()))
  for (const path of [dataDir, join(dataDir, '..')]) expect((await stat(path)).mode & 0o777).toBe(0o700)
})

it('says what is in the way of the data of libp2p', async () => {
  const config = await configOf()
  const path = join(config.dataDir, 'datastore')
  await writeFile(path, 'no directory')
  const message = expect.stringContaining(`data directory ${path}: `)
  expect(await failureOf(config)).toEqual({ code: EXIT.badFile, message })
})

it('says that the chain in the data directory is in use', async () => {
  const config = await configOf()
  const directory = join(config.dataDir, 'chain')
  await mkdir(directory)
  const store = await BlockStore.open(join(directory, 'blocks'))
  onTestFinished(() => store.close())
  const message = expect.stringContaining(`chain directory ${directory}: a node is using it`)
  expect(await failureOf(config)).toEqual({ code: EXIT.badFile, message })
})

it('says that the chain in the data directory cannot be read', async () => {
  const config = await configOf()
  const directory = join(config.dataDir, 'chain')
  await mkdir(directory)
  await writeFile(join(directory, 'blocks'), 'no directory')
  const message = expect.stringContaining(`chain directory ${directory}: `)
  expect(await failureOf(config)).toEqual({ code: EXIT.badFile, message })
})

it('says that there is no room for the chain', async () => {
  const config = await configOf()
  const failed = new StoreFailedError({ cause: new Error('No space left on device') })
  const spy = vi.spyOn(EnergyChain, 'open').mockRejectedValueOnce(failed)
  onTestFinished(() => spy.mockRestore())
  const message = expect.stringMatching(/chain directory .*: it cannot be written: No space left on device$/)
  expect(await failureOf(config)).toEqual({ code: EXIT.badFile, message })
})

// An address for documentation alone, which no machine has.
it.each([
  [{ 'p2p.host': '203.0.113.1' }, 'listen for peers on 203.0.113.1:0: this machine has no such address'],
  [{ 'p2p.host': '::ffff:127.0.0.1' }, 'listen for peers on ::ffff:127.0.0.1:0: it is no address to listen on'],
  [
    { 'http.host': '203.0.113.1', 'http.token': '0123456789abcdef' },
    'listen for HTTP on 203.0.113.1:0: this machine has no such address',
  ],
])('says that it cannot listen, with %j', async (flags, words) => {
  expect(await failureOf(await configOf(flags))).toEqual({
    code: EXIT.cannotListen,
    message: expect.stringContaining(words),
  })
})

it.each(['p2p', 'http'])('names the setting %s.port where another program has the port', async (section) => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  onTestFinished(() => void other.close())
  const address = other.address()
  const port = typeof address === 'object' ? address?.port : undefined
  expect(await failureOf(await configOf({ [`${section}.port`]: port }))).toEqual({
    code: EXIT.cannotListen,
    message: expect.stringContaining(`${port}: the port is in use; set ${section}.port`),
  })
})

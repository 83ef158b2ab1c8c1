import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format } from 'node:util'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ChainService } from '../../src/chain-network/chain-service.ts'
import { loadNodeConfig } from '../../src/config/load.ts'
import { prepareFiles } from '../../src/devnet/files.ts'
import { planDevnet } from '../../src/devnet/plan.ts'
import { createLog } from '../../src/logging.ts'
import { createNode } from '../../src/create-node.ts'

async function configOf(profile: string, flags: Record<string, unknown>) {
  const data = await mkdtemp(join(tmpdir(), 'gridmesh-node-'))
  onTestFinished(async () => rm(data, { recursive: true }))
  const [node] = await prepareFiles(data, profile, planDevnet({ nodes: 1, baseHttp: 20_000, baseP2p: 21_000 }))
  const { config } = loadNodeConfig({ profile, file: node?.config ?? '', flags })
  return { data, config }
}

const log = createLog({ format: 'json', level: 'silent', components: {} })

it('does not open where the genesis file has no time, and names both settings', async () => {
  const { config } = await configOf('silver', { 'chain.enabled': true })
  await expect(createNode({ config, log })).rejects.toMatchObject({
    name: 'NoChainInGenesisError',
    code: 'no-chain-in-genesis',
    path: config.genesis,
    message: expect.stringMatching(/chain\.enabled is true.*genesis\.yaml has no time/),
  })
  // The data directory is free again.
  const node = await createNode({ config: { ...config, chain: { ...config.chain, enabled: false } }, log })
  expect([node.chain, node.height]).toEqual([undefined, 0])
  await node.stop()
})

it('opens the chain of its genesis file, refuses another in the same directory, and closes it when it stops', async () => {
  const { config, data } = await configOf('gridtokenx', {})
  const node = await createNode({ config, log })
  expect(node.chain).toMatchObject({ name: 'gridtokenx-devnet', zones: expect.arrayContaining(['bangkok']) })
  const { clean } = await node.stop()
  expect(clean).toBe(true)
  const again = await createNode({ config, log })
  await again.stop()
  const { config: other } = await configOf('gridtokenx', {})
  await writeFile(join(data, 'genesis.yaml'), '')
  await expect(createNode({ config: { ...config, genesis: other.genesis }, log })).rejects.toMatchObject({
    name: 'UnusableFileError',
    path: join(config.dataDir, 'chain'),
    message: expect.stringContaining('holds chain'),
    cause: expect.objectContaining({ name: 'WrongGenesisError' }),
  })
})

it('tells of a chain that has not begun when it will, and of no other', async () => {
  const { config } = await configOf('gridtokenx', {})
  const said: string[] = []
  const telling = {
    ...log,
    forComponent: (name: string) =>
      Object.assign((...line: unknown[]) => void said.push(format(...line)), log.forComponent(name)),
  }
  const opened = async (): Promise<string[]> => {
    await (await createNode({ config, log: telling })).stop()
    return said.filter((line) => line.includes('the chain begin'))
  }
  expect(await opened()).toEqual([])
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
  onTestFinished(() => void vi.useRealTimers())
  expect(await opened()).toEqual([
    expect.stringMatching(/^the genesis file has the chain begin at \d{4}-.*Z: before that no block is made$/),
  ])
})

it('does not open where it is not known what the authority signed, before anything listens, and says what to do', async () => {
  const { config } = await configOf('gridtokenx', {})
  const directory = join(config.dataDir, 'chain')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'signing.record'), 'what a bad disk gives back')
  expect(config.role).toBe('authority')
  await expect(createNode({ config, log })).rejects.toMatchObject({
    name: 'UnusableFileError',
    path: directory,
    message: expect.stringMatching(/the checksum of .*signing\.record does not hold; .*put back what was last written/),
    cause: expect.objectContaining({ code: 'corrupt-record' }),
  })
})

it('does not open over blocks that are beyond use, and says what may be deleted', async () => {
  const { config } = await configOf('gridtokenx', {})
  await (await createNode({ config, log })).stop()
  const directory = join(config.dataDir, 'chain')
  await writeFile(join(directory, 'blocks', 'CURRENT'), 'what a bad disk gives back')
  await expect(createNode({ config, log })).rejects.toMatchObject({
    name: 'UnusableFileError',
    path: directory,
    message: expect.stringMatching(/delete its directory blocks, and nothing else.*signing\.record/),
    cause: expect.objectContaining({ name: 'CorruptStoreError', code: 'files' }),
  })
  await rm(join(directory, 'blocks'), { recursive: true })
  await (await createNode({ config, log })).stop()
})

it('is as the configuration says', async () => {
  const { config } = await configOf('gridtokenx', {
    'chain.syncBehind': 7,
    'chain.syncBatch': 9,
    'chain.forkChoice': 'longest',
    'chain.minBlockIntervalMs': 400,
    'chain.maxBlockIntervalMs': 5_000,
    'chain.verifyThreads': 0,
    'chain.checkpointEvery': 50,
    'chain.checkpointBehind': 200,
    'chain.ownerIndex': true,
  })
  const open = vi.spyOn(ChainService, 'open')
  onTestFinished(() => open.mockRestore())
  const node = await createNode({ config, log })
  await node.stop()
  expect(open.mock.calls.map(([init]) => init)).toEqual([
    expect.objectContaining({
      directory: join(config.dataDir, 'chain'),
      catchUp: { behind: 7, rangeBlocks: 9 },
      consensus: { forkChoice: 'longest', minIntervalMs: 400, maxIntervalMs: 5_000 },
      verifyThreads: 0,
      parts: { checkpoints: { every: 50 }, ownerIndex: true },
      checkpointBehind: 200,
    }),
  ])
})

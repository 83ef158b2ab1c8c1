import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Network, runGridmesh } from '@gridmesh-internal/support'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { call } from '../src/api.ts'
import { eventsOf } from '../src/events.ts'

/** So that a block is soon final: a majority of two authorities takes a few of them. */
const MAX_INTERVAL_MS = 700
const RULES = ['--set', `chain.maxBlockIntervalMs=${MAX_INTERVAL_MS}`, '--set', 'chain.verifyThreads=0']

let network: Network
let home: string
let url: string
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'gridmesh-user-'))
  network = await Network.start({
    nodes: 2,
    flags: { 'chain.maxBlockIntervalMs': MAX_INTERVAL_MS, 'chain.verifyThreads': 0 },
  })
  url = network.node(1).url ?? ''
}, 30_000)
afterAll(async () => {
  await network.stop()
  rmSync(home, { recursive: true })
}, 30_000)

/** Runs `gridmesh` in the user's directory, and reads what it says. */
async function gridmesh(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runGridmesh([...args, '--json'], { cwd: home })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Record<string, unknown>
}

async function balanceOf(address: string): Promise<number> {
  const { balances } = await gridmesh('wallet', 'balance', address, '--url', url)
  return (balances as Record<string, { amount: number }>)['thb']?.amount ?? 0
}

it('takes a new user from a key to a payment, and the blocks of it into an empty directory', async () => {
  const [mine, theirs] = [await gridmesh('wallet', 'new'), await gridmesh('wallet', 'new', 'other.key')]
  const [me, them] = [String(mine['address']), String(theirs['address'])]
  expect(statSync(join(home, 'wallet.key')).mode & 0o777).toBe(0o600)
  expect(await balanceOf(me)).toBe(0)

  const bank = join(network.prepared[0]?.directory ?? '', 'identity.key')
  const events = await eventsOf(network.node(0).url ?? '')
  const given = await gridmesh('tx', 'transfer', '--to', me, '--amount', '5000', '--key', bank, '--url', url, '--wait')
  expect(given).toMatchObject({ status: 'included', block: { final: true } })
  // It was told to who listens at the other node as well.
  const told = await events.next(({ event, data }) => event === 'new_transaction' && data.includes(String(given['id'])))
  expect(told.data).toContain('transfer')
  expect(await events.next(({ event }) => event === 'new_block')).toBeDefined()
  events.stop()

  const paid = await gridmesh('tx', 'transfer', '--to', them, '--amount', '1250', '--url', url, '--wait')
  expect([await balanceOf(me), await balanceOf(them)]).toEqual([3_750, 1_250])
  const { height, hash } = paid['block'] as { height: number; hash: string }
  const block = await gridmesh('chain', 'block', String(height), '--url', url)
  expect(block).toMatchObject({ hash, final: true, transactions: [{ id: paid['id'], kind: 'transfer', sender: me }] })
  expect(await gridmesh('tx', 'show', String(paid['id']), '--url', network.node(0).url ?? '')).toMatchObject({
    block: { hash },
  })

  const written = await gridmesh('export', 'blocks.gmb', '--url', url)
  expect(written['to']).toBeGreaterThanOrEqual(height)
  const into = ['--set', `genesis=${join(network.data, 'genesis.yaml')}`, ...RULES]
  const report = await gridmesh('import', 'blocks.gmb', '--set', 'dataDir=empty', ...into)
  expect(report).toMatchObject({ imported: written['to'], known: 0, height: written['to'], fault: null })
  const { data } = await call(url, `/block/height/${String(written['to'])}`)
  expect(report['hash']).toBe(data['hash'])

  const file = join(home, 'blocks.gmb')
  truncateSync(file, statSync(file).size - 1)
  const torn = await runGridmesh(['import', file, '--set', 'dataDir=torn', ...into], { cwd: home })
  expect(torn).toMatchObject({
    code: 7,
    stdout: expect.stringContaining(`Imported ${Number(written['to']) - 1} blocks`),
  })
}, 60_000)

it('refuses to import into the directory of a node that runs', async () => {
  const { directory = '', config = '' } = network.prepared[0] ?? {}
  await vi.waitFor(
    async () => expect((await call(url, '/chain/info')).data['finalised']).not.toMatchObject({ height: 0 }),
    {
      timeout: 20_000,
      interval: 100,
    },
  )
  await gridmesh('export', 'more.gmb', '--url', url)
  const refused = await runGridmesh(['import', 'more.gmb', '--config', config, ...RULES], { cwd: home })
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining(join(directory, 'chain')) })
}, 60_000)

it('says of a chain what its nodes agree on', async () => {
  const info = await Promise.all(network.nodes.map(async (node) => (await call(node.url ?? '', '/chain/info')).data))
  for (const name of ['name', 'chain_id', 'authorities', 'zones']) expect(info[0]?.[name]).toEqual(info[1]?.[name])
  expect(info[0]).toMatchObject({ failure: null, sync: { phase: expect.any(String) } })
  const zones = (await call(url, '/state/zones')).data['zones'] as { held: { thb: number } }[]
  const { supplies } = (await call(url, '/chain/info')).data as unknown as { supplies: { thb: { held: number } } }
  expect(zones.reduce((sum, { held }) => sum + held.thb, 0)).toBe(supplies.thb.held)
  const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as { paths: object }
  for (const path of ['/chain/info', '/block/latest', '/transaction', '/mempool', '/state/zones']) {
    expect(document.paths).toHaveProperty([`/api/v1${path}`])
  }
})

it('is not there where it is not switched on, and the API says how to', async () => {
  const plain = await Network.start({ nodes: 1, profile: 'silver' })
  try {
    expect(await call(plain.node(0).url ?? '', '/chain/info')).toMatchObject({
      status: 404,
      code: 'no-chain',
      error: expect.stringContaining('chain.enabled'),
    })
  } finally {
    await plain.stop()
  }
}, 30_000)

import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressOf, toHex } from '@gridmesh/ledger'
import { expect, it, onTestFinished } from 'vitest'
import { loadMembers } from '../src/devnet/day/members.ts'
import { prepareFiles } from '../src/devnet/files.ts'
import { planDevnet } from '../src/devnet/plan.ts'
import { readGenesis } from '../src/genesis.ts'
import { publicKeyOf } from '../src/ledger-genesis.ts'

const plan = (nodes: number) => planDevnet({ nodes, baseHttp: 20_000, baseP2p: 21_000 })

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gridmesh-devnet-'))
  onTestFinished(async () => rm(path, { recursive: true }))
  return path
}

it('gives each node and each member of a devnet with a chain a meter and money of its own', async () => {
  const data = await directory()
  const nodes = await prepareFiles(data, 'gridtokenx', plan(4))
  const { ledger, chainId } = await readGenesis(join(data, 'genesis.yaml'))
  expect(chainId).toBe('gridtokenx-devnet')
  const members = await loadMembers(data)
  const meters = [
    ...nodes.map(({ name, peerId }) => [name, toHex(addressOf(publicKeyOf(peerId)))]),
    ...members.map(({ name, address }) => [name, toHex(address)]),
  ]
  expect(ledger?.meters.map(({ name, owner }) => [name, toHex(owner)])).toEqual(meters)
  expect(ledger?.tender.map(({ owner, amount }) => [toHex(owner), amount])).toEqual(
    meters.map(([, owner]) => [owner, 100_000_000]),
  )
  const keys = await stat(join(data, 'members.key'))
  expect(keys.mode & 0o777).toBe(0o600)
  expect(ledger?.authorities).toHaveLength(3)
  expect(Math.abs(Date.now() - (ledger?.timeMs ?? 0))).toBeLessThan(60_000)
})

it('goes on with the chain that is there, and refuses other nodes for it', async () => {
  const data = await directory()
  await prepareFiles(data, 'gridtokenx', plan(4))
  const before = await readFile(join(data, 'genesis.yaml'), 'utf8')
  await prepareFiles(data, 'gridtokenx', plan(4))
  expect(await readFile(join(data, 'genesis.yaml'), 'utf8')).toBe(before)
  await expect(prepareFiles(data, 'gridtokenx', plan(5))).rejects.toThrow('it began the chain of other nodes')
  expect(await readFile(join(data, 'genesis.yaml'), 'utf8')).toBe(before)
})

it.each(['silver', 'podoru'])('writes no chain for the profile %s', async (profile) => {
  const data = await directory()
  await prepareFiles(data, profile, plan(4))
  await prepareFiles(data, profile, plan(5))
  const { ledger, authorities } = await readGenesis(join(data, 'genesis.yaml'))
  expect([ledger, authorities.size]).toEqual([undefined, 3])
})

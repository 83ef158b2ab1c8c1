import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { DAN, GENESIS_MS, grow, offer, payment } from '../chain/chains.ts'
import { gridmesh, gridmeshJson } from './gridmesh.ts'
import { keyFile, someDirectory, writeGenesis } from './network-files.ts'
import { dan, erin, FINAL_AFTER, growing, place } from './place.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

async function balance(url: string, address: string, asset: string): Promise<unknown> {
  const { balances } = await gridmeshJson('wallet', 'balance', address, '--url', url)
  return (balances as Record<string, { amount: number }>)[asset]?.amount
}

describe('wallets', () => {
  it('are key files of mode 600, never overwritten, and have an address', async () => {
    const directory = await someDirectory()
    const file = join(directory, 'keys', 'solar.key')
    const made = await gridmesh('wallet', 'new', file)
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/Address [0-9a-f]{64}\n$/) })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const before = await readFile(file, 'utf8')
    expect(await gridmesh('wallet', 'new', file)).toMatchObject({ code: 3, stderr: expect.stringContaining(file) })
    expect(await readFile(file, 'utf8')).toBe(before)
    const { address } = await gridmeshJson('wallet', 'address', file)
    expect(made.stdout).toContain(String(address))
    expect(made.stdout).not.toContain(before.trim())
  })

  it('have the address of their key', async () => {
    const directory = await someDirectory()
    expect((await gridmesh('wallet', 'address', await keyFile(directory, DAN))).stdout).toBe(`${dan}\n`)
  })

  it('tell what they hold, by key or by address', async () => {
    const { chain, url, key } = await place()
    await offer(chain, payment(chain, 0))
    const { stdout } = await gridmesh('wallet', 'balance', '--key', key, '--url', url)
    expect(stdout).toMatch(/thb\s+satang\s+4000\s+3900\s+39/)
    expect(await balance(url, dan, 'thb')).toBe(4_000)
    expect(await balance(url, erin, 'thb')).toBe(0)
  })
})

describe('transfers', () => {
  it('pay, give change, wait until they are final, and never send the key', async () => {
    const { chain, url, key, bodies } = await place()
    growing(chain)
    const args = ['--to', erin, '--amount', '250', '--key', key, '--url', url]
    const { code, stdout, stderr } = await gridmesh('tx', 'transfer', ...args, '--wait')
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('final in block 1') })
    expect(stderr).toContain('is in the mempool')
    expect([await balance(url, dan, 'thb'), await balance(url, erin, 'thb')]).toEqual([3_750, 250])
    const seed = Buffer.alloc(32, DAN + 1)
    for (const secret of [seed.toString('hex'), seed.toString('base64'), (await readFile(key, 'utf8')).trim()]) {
      expect(bodies.join('\n')).not.toContain(secret)
    }
  })

  it('pay into the zone that is named', async () => {
    const { chain, url, key } = await place()
    growing(chain)
    const args = ['--to', erin, '--amount', '150', '--key', key, '--url', url, '--zone', 'central', '--wait']
    const { body } = await gridmeshJson('tx', 'transfer', ...args)
    expect(body).toMatchObject({
      outputs: [
        { amount: 150, owner: erin, zone: 0 },
        { amount: 50, owner: dan, zone: 1 },
      ],
    })
  })

  it('go by the genesis file that is given, whatever the node says of the zones, and for no other chain', async () => {
    const { node, chain, url, key, genesis, directory } = await place()
    growing(chain)
    node.zones.reverse()
    const args = ['--to', erin, '--amount', '150', '--key', key, '--url', url, '--zone', 'central', '--wait']
    const { body } = await gridmeshJson('tx', 'transfer', ...args, '--genesis', genesis)
    expect(body).toMatchObject({ outputs: [{ amount: 150, zone: 0 }, { amount: 50 }] })
    const other = await writeGenesis(directory, 'other')
    expect(await gridmesh('tx', 'transfer', ...args, '--genesis', other)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/Expected .* to be of chain [0-9a-f]{64}, as .*other\.yaml says, got [0-9a-f]{64}/),
    })
  })

  it('can be signed now and sent later, and are followed by their id', async () => {
    const { chain, url, key } = await place()
    const args = ['--to', erin, '--amount', '1', '--key', key, '--url', url, '--no-send']
    const { id, bytes } = await gridmeshJson('tx', 'transfer', ...args)
    expect(chain.mempool.stats().transactions).toBe(0)
    expect((await gridmesh('tx', 'transfer', ...args)).stdout).toMatch(/^[0-9a-f]+\n$/)
    expect(await gridmeshJson('tx', 'send', String(bytes), '--url', url)).toEqual({
      id,
      status: 'added',
      missing: null,
    })
    expect((await gridmesh('tx', 'show', String(id), '--url', url)).stdout).toContain('pending')
    for (let i = 0; i <= FINAL_AFTER; i++) await grow(chain)
    const shown = await gridmesh('tx', 'show', String(id), '--url', url)
    expect(shown.stdout).toMatch(/final/)
    expect(shown.stdout).toContain('3 confirmations')
    expect(await gridmesh('tx', 'send', String(bytes), '--url', url)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('already-applied'),
    })
  })

  it('that are too much end with 9, and say what there is', async () => {
    const { url, key } = await place()
    const args = ['--to', erin, '--amount', '4001', '--key', key, '--url', url]
    expect(await gridmesh('tx', 'transfer', ...args)).toMatchObject({
      code: 9,
      stderr: expect.stringContaining('can spend 4000, where 4001'),
    })
    expect(await gridmesh('tx', 'transfer', ...args, '--asset', 'energy')).toMatchObject({ code: 9 })
  })

  it('that are not final in time end with 10, and say where they are', async () => {
    const { url, key } = await place()
    const args = ['--to', erin, '--amount', '1', '--key', key, '--url', url, '--wait', '--timeout', '1']
    expect(await gridmesh('tx', 'transfer', ...args)).toMatchObject({
      code: 10,
      stderr: expect.stringContaining('is in no block'),
    })
  })

  it('that the node forgot end with 10', async () => {
    const { chain, url, key } = await place()
    chain.mempool.addEventListener('transaction:added', ({ detail }) => {
      setImmediate(() => chain.mempool.reject(detail.transaction.id, { code: 'test', message: 'gone' }))
    })
    const args = ['--to', erin, '--amount', '1', '--key', key, '--url', url, '--wait', '--timeout', '20']
    expect(await gridmesh('tx', 'transfer', ...args)).toMatchObject({
      code: 10,
      stderr: expect.stringContaining('send it again'),
    })
  })
})

describe('readings', () => {
  it('mint what was produced and burn what was consumed, number by number', async () => {
    const { chain, url, directory } = await place()
    growing(chain)
    const authority = await keyFile(directory, 0)
    const args = ['--meter', 'roof', '--key', authority, '--url', url, '--wait']
    const first = await gridmeshJson('tx', 'reading', ...args, '--produced', '500', '--time', '2026-01-02T00:00:00Z')
    expect(first['body']).toMatchObject({ sequence: 1, timeMs: Date.parse('2026-01-02T00:00:00Z'), inputs: [] })
    expect(await balance(url, erin, 'energy')).toBe(500)
    const second = await gridmeshJson('tx', 'reading', ...args, '--consumed', '200')
    expect(second['body']).toMatchObject({ sequence: 2, consumedWh: 200 })
    expect(await balance(url, erin, 'energy')).toBe(300)
    const third = await gridmesh('tx', 'reading', ...args, '--sequence', '2', '--produced', '1')
    expect(third).toMatchObject({ code: 6, stderr: expect.stringContaining('spent-input') })
    expect(await gridmesh('tx', 'reading', ...args, '--consumed', '301')).toMatchObject({ code: 9 })
  })

  it('of no authority, or of no meter, are refused', async () => {
    const { url, key } = await place()
    const args = ['--key', key, '--url', url, '--produced', '5']
    expect(await gridmesh('tx', 'reading', '--meter', 'roof', ...args)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('not-authority'),
    })
    expect(await gridmesh('tx', 'reading', '--meter', 'a/b c', ...args)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('no meter "a/b c"'),
    })
  })
})

import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runGridmesh, spawnGridmesh } from '@gridmesh-internal/support'
import { afterEach, beforeEach, expect, it } from 'vitest'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gridmesh-input-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

const PEER = '12D3KooWGC6TvWhfagLmNS6jEpsyhG2AqR5Ue6qPMM1ShsWfb6FT'
const genesis = `chainId: test\nzones: [north]\nauthorities: [{ name: egat, peerId: ${PEER} }]\n`

/** Runs a command that must fail, and returns what it says. */
async function failing(exitCode: number, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runGridmesh(args, { cwd: directory })
  expect(stderr).not.toMatch(/^\s+at /m)
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' })
  return stderr
}

it('names an unknown key of a configuration, with the nearest known one, line and column', async () => {
  const said = await failing(3, 'start', '--config', file('node.yaml', 'name: egat\np2p:\n  prot: 9000\n'))
  expect(said).toContain('node.yaml:3:3')
  expect(said).toContain('port')
})

it('names a value of the wrong type, what came and what was expected', async () => {
  const said = await failing(3, 'config', 'check', '--config', file('node.yaml', 'p2p:\n  port: nine\n'))
  expect(said).toContain('node.yaml:2:9: p2p.port')
  expect(said).toContain('"nine"')
})

it('names all faults at once', async () => {
  const said = await failing(
    3,
    'config',
    'check',
    '--config',
    file('node.yaml', 'p2p: { port: 70000 }\nhttp: { port: -1 }\n'),
  )
  expect(said).toContain('p2p.port')
  expect(said).toContain('http.port')
})

it('names a configuration file that is not there', async () => {
  expect(await failing(3, 'start', '--config', 'missing.yaml')).toContain('missing.yaml')
})

it('names a genesis file that is not there', async () => {
  expect(await failing(3, 'start', '--config', file('node.yaml', 'genesis: gone.yaml\n'))).toContain(
    'gone.yaml: it does not exist',
  )
})

it('names a broken key file', async () => {
  file('genesis.yaml', genesis)
  mkdirSync(join(directory, 'data'))
  const key = file('data/identity.key', 'garbage')
  chmodSync(key, 0o600)
  const said = await failing(3, 'start', '--config', file('node.yaml', 'name: egat\n'))
  expect(said).toContain('identity.key')
  expect(said).not.toContain('garbage')
})

it('names a data directory that it cannot use', async () => {
  file('genesis.yaml', genesis)
  file('data', 'a file in the way')
  expect(await failing(3, 'start', '--config', file('node.yaml', 'name: egat\n'))).toContain('data')
})

it.each(['p2p', 'http'])('names the taken %s port that a node cannot listen on, and the setting', async (setting) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  file('genesis.yaml', genesis)
  const ports = { p2p: 0, http: 0, [setting]: port }
  const config = file('node.yaml', `p2p: { port: ${ports.p2p} }\nhttp: { port: ${ports.http} }\n`)
  const { code, stderr } = await runGridmesh(['start', '--config', config], { cwd: directory })
  taken.close()
  expect(code).toBe(4)
  expect(stderr).toContain(`127.0.0.1:${port}`)
  expect(stderr).toContain(`${setting}.port`)
  expect(stderr).not.toMatch(/^\s+at /m)
})

it('names the column of an orders file that it does not know', async () => {
  expect(await failing(3, 'submit', file('orders.csv', 'type,prize\nsell,1\n'))).toContain('unknown column prize')
})

it('says that no node answers', async () => {
  const order = file('order.json', '{ "type": "sell", "priceSatangPerKwh": 1, "quantityWh": 1, "zone": "north" }')
  expect(await failing(5, 'submit', order, '--url', 'http://127.0.0.1:1')).toContain('http://127.0.0.1:1')
  expect(await failing(5, 'status', '--url', 'http://127.0.0.1:1')).toContain('http://127.0.0.1:1')
})

it.each([
  ['an unknown command', ['fly']],
  ['an unknown option', ['start', '--fast']],
  ['a number that is none', ['devnet', '--nodes', 'many']],
  ['a number out of range', ['devnet', '--nodes', '0']],
  ['a missing argument', ['submit']],
  ['an unknown choice', ['emergency', '--zone', 'north', '--severity', 'awful']],
  ['an unknown option of a command below another', ['peers', 'explain', '--bogus']],
])('answers %s with how to call it', async (_, args) => {
  expect(await failing(2, ...args)).not.toBe('')
})

it.each([
  ['stdout', 0, ['config', 'schema']],
  ['stderr', 2, ['bogus']],
] as const)('ends without a word when nobody reads its %s, with exit code %d', async (name, code, args) => {
  const child = spawnGridmesh(args)
  child[name]?.destroy()
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (said += String(text)))
  await once(child, 'close')
  expect([said, child.exitCode]).toEqual(['', code])
})

it('never overwrites a key', async () => {
  const first = await runGridmesh(['keygen', 'my.key'], { cwd: directory })
  expect(first.code).toBe(0)
  expect(await failing(3, 'keygen', 'my.key')).toContain('my.key')
})

it.each(['start', 'devnet', 'keygen', 'config', 'status', 'peers', 'submit', 'emergency'])(
  'helps with %s',
  async (command) => {
    const { code, stdout } = await runGridmesh([command, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`gridmesh ${command}`)
  },
)

it('shows its version, its examples and its exit codes', async () => {
  expect((await runGridmesh(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const { stdout } = await runGridmesh(['--help'])
  expect(stdout).toContain('Examples:')
  expect(stdout).toContain('Exit codes:')
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadNodeConfig, profileNames } from '../src/config/load.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gridmesh-config-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function load(text: string, profile?: string) {
  const file = join(directory, 'node.yaml')
  writeFileSync(file, text)
  return loadNodeConfig({ file, profile })
}

it('takes paths in a file as relative to the file', () => {
  const { config } = load('dataDir: state\ngenesis: ../genesis.yaml\n')
  expect(config.dataDir).toBe(join(directory, 'state'))
  expect(config.genesis).toBe(join(directory, '..', 'genesis.yaml'))
})

it('lets the file win over the profile, and the profile over defaults', () => {
  const { config, source } = load('p2p: { minPeers: 2 }\n', 'gridtokenx')
  expect(config.p2p.minPeers).toBe(2)
  expect(source.origin('p2p.minPeers').source).toBe('file')
  expect(source.origin('p2p.encryption').source).toBe('profile')
  expect(source.origin('http.port').source).toBe('default')
})

it('names file, line, column, what came and what was expected, and the nearest known name', () => {
  expect(() => load('p2p:\n  port: nine\n  prot: 1\n')).toThrow(/node\.yaml:2:9: p2p\.port: .*"nine"/)
  expect(() => load('p2p:\n  prot: 1\n')).toThrow(/node\.yaml:2:3: .*prot.*port/)
})

it('calls flags as the command line has them', () => {
  const flags = { 'p2p.port': '9100' }
  expect(loadNodeConfig({ flags }).source.origin('p2p.port')).toEqual({ source: 'flag', where: '--set p2p.port' })
  expect(() => loadNodeConfig({ flags: { 'chain.checkpoint.height': 7 } })).toThrow(
    'or with --set chain.checkpoint.hash',
  )
})

it('never shows the token', () => {
  const { source } = load('http: { token: 0123456789abcdef }\n')
  expect(JSON.stringify(source.entries())).not.toContain('0123456789abcdef')
  expect(() => load('http: { token: short-secret }\n')).toThrow(/http\.token/)
  expect(() => load('http: { token: short-secret }\n')).not.toThrow(/short-secret/)
})

it.each(profileNames())('has a valid profile %s', (profile) => {
  expect(() => loadNodeConfig({ profile })).not.toThrow()
})

it.each([
  [
    'silver',
    {
      p2p: { encryption: 'noise', port: 9_000, minPeers: 3, pingIntervalMs: 30_000 },
      discovery: { targetPeers: 100 },
      pool: { maxInbound: 50, maxOutbound: 50 },
      health: { pingDeadlineMs: 10_000 },
      reconnection: { maxDelayMs: 300_000 },
      limits: { messagesPerSecond: 1_000 },
      messages: { maxBytes: 104_857_600 },
      shutdownGraceMs: 30_000,
    },
  ],
  [
    'gridtokenx',
    {
      discovery: { strategies: expect.arrayContaining(['mdns', 'kademlia']), roles: { authority: 2 } },
      chain: { enabled: true, forkChoice: 'authority', maxBlockIntervalMs: 10_000 },
    },
  ],
  [
    'podoru',
    {
      discovery: { strategies: ['static'], targetPeers: 50 },
      pool: { maxInbound: 25, maxOutbound: 25, maxPerIp: 3 },
      messages: { codec: 'json', maxBytes: 10_485_760 },
      limits: { messagesPerSecond: 100 },
      chain: { enabled: false, forkChoice: 'longest', syncBehind: 10, syncBatch: 100 },
      http: { port: 8_545 },
    },
  ],
  [
    'playergold',
    {
      p2p: { encryption: 'tls', minPeers: 8 },
      discovery: { strategies: expect.arrayContaining(['mdns', 'kademlia', 'peer-exchange']) },
      capabilities: ['ai-node'],
      broadcast: { hopLimit: 7, gossipFactor: 0.5, maxIds: 10_000 },
      chain: { enabled: true, forkChoice: 'timestampReputation', syncBatch: 100 },
    },
  ],
])('sets in the profile %s what its network is known for', (profile, settings) => {
  expect(loadNodeConfig({ profile }).config).toMatchObject(settings)
})

it('names the profiles there are when asked for another', () => {
  expect(() => loadNodeConfig({ profile: 'nosuch' })).toThrow('gridtokenx')
})

it('has the chain on in the profiles gridtokenx and playergold', () => {
  const on = profileNames().filter((profile) => loadNodeConfig({ profile }).config.chain.enabled)
  expect(on).toEqual(['gridtokenx', 'playergold'])
})

it('refuses a longest time between blocks that is not above the shortest, and any role but full', () => {
  expect(() => load('chain: { minBlockIntervalMs: 300, maxBlockIntervalMs: 300 }\n')).toThrow(
    /chain\.maxBlockIntervalMs.*expected more than minBlockIntervalMs/,
  )
  expect(() => load('chain: { role: light }\n')).toThrow(/chain\.role.*"light"/)
})

it('takes a trusted checkpoint as height and hash, and nothing that is none', () => {
  const hash = 'ab'.repeat(32)
  expect(load(`chain: { checkpointBehind: 1, checkpoint: { height: 7, hash: ${hash} } }\n`).config.chain).toMatchObject(
    {
      checkpointBehind: 1,
      checkpoint: { height: 7, hash },
    },
  )
  expect(() => load('chain: { checkpoint: { height: 7, hash: abc } }\n')).toThrow(/chain\.checkpoint\.hash.*64/)
  expect(() => load('chain: { checkpointBehind: 0 }\n')).toThrow(/chain\.checkpointBehind/)
})

// Uses one package, @gridmesh/config: settings from defaults, a file, the environment and flags, each of which says where
// it came from; and one error that names everything that is wrong.
// Run: node examples/config-alone.ts
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, loadConfig, secret } from '@gridmesh/config'
import { z } from 'zod'

const schema = z.strictObject({
  p2p: z.strictObject({
    port: z.int().min(0).max(65_535).default(9_000),
    bootstrap: z.array(z.string()).default([]),
    maxPeers: z.int().min(1).default(50),
  }),
  token: secret(z.string().min(8)).optional(),
})

const folder = mkdtempSync(join(tmpdir(), 'gridmesh-example-'))
const path = join(folder, 'node.yaml')
writeFileSync(path, 'p2p:\n  port: 9200\n  maxPeers: 20\n')

// A program passes `process.env`, and as `flags` what it has parsed of its command line.
const env = { GRIDMESH_P2P_BOOTSTRAP: 'a,b', GRIDMESH_TOKEN: 'correct horse' }
const config = loadConfig({ schema, file: { path }, env, flags: { 'p2p.port': '9300' } })
for (const { path: setting, value, origin } of config.entries()) {
  console.log(`${setting} = ${JSON.stringify(value)}, from ${origin.source} ${origin.where ?? ''}`)
}
assert.deepEqual(config.value.p2p, { port: 9_300, bootstrap: ['a', 'b'], maxPeers: 20 })
assert.equal(config.value.token, 'correct horse')
assert.equal(config.origin('p2p.port').source, 'flag')
assert.equal(config.origin('p2p.maxPeers').where, `${path}:3:13`)
assert.ok(!JSON.stringify(config).includes('horse'))

writeFileSync(path, 'p2p:\n  prot: 9200\n')
try {
  loadConfig({ schema, file: { path }, env: { GRIDMESH_P2P_MAX_PEERS: 'nine' } })
  assert.fail('wrong settings were loaded')
} catch (err) {
  assert.ok(err instanceof ConfigError)
  console.log(err.message)
  assert.deepEqual(
    err.problems.map(({ path: setting, suggestion }) => suggestion ?? setting),
    ['port', 'p2p.maxPeers'],
  )
}
rmSync(folder, { recursive: true })

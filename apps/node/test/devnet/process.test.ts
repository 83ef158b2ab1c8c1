import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { loadNodeConfig } from '../../src/config/load.ts'
import { prepareFiles } from '../../src/devnet/files.ts'
import { planDevnet } from '../../src/devnet/plan.ts'
import { envOfNode } from '../../src/devnet/process.ts'

it('gives a node no variable for what its own file says, and all others', async () => {
  const data = await mkdtemp(join(tmpdir(), 'gridmesh-devnet-'))
  onTestFinished(() => rm(data, { recursive: true }))
  const plan = planDevnet({ nodes: 2, baseHttp: 20_000, baseP2p: 21_000 })
  const nodes = await prepareFiles(data, 'gridtokenx', plan)
  const entries = nodes.flatMap(({ config: file }) => loadNodeConfig({ file }).source.entries())
  const ofFile = entries.filter(({ origin, path }) => origin.source === 'file' && path !== 'logs.level')
  const names = ofFile.map(({ path }) => {
    return `GRIDMESH_${path
      .replaceAll('.', '_')
      .replaceAll(/(?<=[a-z])[A-Z]/g, '_$&')
      .toUpperCase()}`
  })
  expect(names).toContain('GRIDMESH_DATA_DIR')
  const others = { PATH: '/bin', GRIDMESH_LOGS_LEVEL: 'debug' }
  expect(envOfNode({ ...others, ...Object.fromEntries(names.map((name) => [name, '1'])) })).toEqual(others)
})

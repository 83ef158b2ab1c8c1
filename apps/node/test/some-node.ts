import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { loadNodeConfig } from '../src/config/load.ts'
import { createNode, type CreateNodeInit } from '../src/create-node.ts'
import type { GridmeshNode } from '../src/node.ts'
import { keyFile, someDirectory, writeGenesis } from './cli/network-files.ts'

/** Load is not shed unless a test makes it: the machine may be busy with others, and what is shed is lost. */
const CALM = { 'health.busyDelayMs': 10_000, 'health.overloadedDelayMs': 10_000 }

/** The one authority of a network without a chain, on free ports; it meets nobody. */
export async function someNode(
  flags: Record<string, unknown> = {},
  modules: CreateNodeInit['modules'] = {},
): Promise<GridmeshNode> {
  const directory = await someDirectory()
  const genesis = await writeGenesis(directory, 'test', '')
  const dataDir = join(directory, 'data')
  await mkdir(dataDir)
  await rename(await keyFile(directory, 0), join(dataDir, 'identity.key'))
  const free = { 'p2p.port': 0, 'http.port': 0, 'discovery.strategies': ['stored'], 'logs.level': 'silent' }
  const { config } = loadNodeConfig({ flags: { genesis, dataDir, ...free, ...CALM, ...flags } })
  return createNode({ config, modules })
}

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadNodeConfig } from '../src/config/load.ts'
import { parseGenesis } from '../src/genesis.ts'
import { someDirectory } from './cli/network-files.ts'

const PEERS = [
  '12D3KooWGC6TvWhfagLmNS6jEpsyhG2AqR5Ue6qPMM1ShsWfb6FT',
  '12D3KooWPB1eYL9Ehn5r3VW1b8uEN2wPB5UQpyHCyVTByJ7Y5pno',
  '12D3KooWJguBMz4LtfYdS7qhG7PiUKSFw3gYh1Bvj2ahavUQX7qM',
]

/** The YAML files that the guide shows, with what a reader puts into them. */
async function filesOfGuide(): Promise<string[]> {
  const guide = await readFile(new URL('../../../docs/own-network.md', import.meta.url), 'utf8')
  return [...guide.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) =>
    text
      .replaceAll(/<peer id of ([abc])>/g, (_, name: string) => PEERS['abc'.indexOf(name)] ?? '')
      .replaceAll('<address of c>', 'ab'.repeat(32)),
  )
}

it('shows files that a node takes', async () => {
  const [genesis = '', node = ''] = await filesOfGuide()
  const { chainId, authorities, ledger } = parseGenesis(genesis, 'genesis.yaml')
  expect([chainId, [...authorities.values()], ledger?.meters.length]).toEqual(['my-net', ['alpha', 'beta'], 1])
  const file = join(await someDirectory(), 'node.yaml')
  await writeFile(file, node)
  const { config } = loadNodeConfig({ file, profile: 'gridtokenx' })
  expect([config.name, config.role, config.p2p.bootstrap.length]).toEqual(['a', 'authority', 2])
})

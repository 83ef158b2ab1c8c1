// Imports blocks of a file, hex by line, from the head on, and prints the height of each that it has; it is killed.
import { readFileSync } from 'node:fs'
import { EnergyChain } from '../../src/chain/energy-chain.ts'
import { genesisOf, RULES } from './genesis.ts'

const [directory = '', file = ''] = process.argv.slice(2)
const blocks = readFileSync(file, 'utf8').split('\n')
const chain = await EnergyChain.open({ directory, genesis: genesisOf(), consensus: RULES })
for (const block of blocks.slice(chain.head.height)) {
  const outcome = await chain.importBlock(Buffer.from(block, 'hex'))
  if (outcome.status !== 'imported') throw new RangeError(JSON.stringify(outcome))
  process.stdout.write(`${outcome.tip.height}\n`)
}
// Until it is killed.
setInterval(() => {}, 60_000)

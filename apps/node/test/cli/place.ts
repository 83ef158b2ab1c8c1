import { toHex } from '@gridmesh/ledger'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import { addressOfPerson, DAN, ERIN, grow } from '../chain/chains.ts'
import { type ChainApi, type LoneChain, startedApi } from '../http/chain-api.ts'
import { keyFile, ledgerOf, someDirectory, writeGenesis } from './network-files.ts'

/** What the configuration of a node has where nothing is set. */
export const consensus = { minIntervalMs: 300, maxIntervalMs: 10_000 }
/** A block is final two blocks later, where there is one authority. */
export const FINAL_AFTER = 2
export const [dan, erin] = [toHex(addressOfPerson(DAN)), toHex(addressOfPerson(ERIN))]

export interface Place {
  directory: string
  genesis: string
  chain: EnergyChain
  node: LoneChain
  api: ChainApi
  url: string
  key: string
  /** All that was sent to the node. */
  bodies: string[]
}

/** A node that answers, with Dan's key beside it. */
export async function place(): Promise<Place> {
  const directory = await someDirectory()
  const genesis = await writeGenesis(directory)
  const started = await startedApi({ genesis: await ledgerOf(genesis), consensus })
  const bodies: string[] = []
  started.api.app.addHook('preHandler', async (request) => {
    bodies.push(JSON.stringify([request.url, request.headers, request.body]))
  })
  const url = await started.api.listen()
  return { directory, genesis, ...started, url, key: await keyFile(directory, DAN), bodies }
}

/** Makes a block as soon as there is something for one, and as many more as make it final. */
export function growing(chain: EnergyChain): void {
  let last: Promise<unknown> = Promise.resolve()
  chain.mempool.addEventListener('transaction:added', () => {
    for (let i = 0; i <= FINAL_AFTER; i++) last = last.then(async () => grow(chain))
  })
}

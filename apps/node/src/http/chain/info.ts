import type { SyncStatus } from '@gridmesh/block-sync'
import { type Asset, ASSETS, authorityList, type Header, supplies, toHex } from '@gridmesh/ledger'
import type { z } from 'zod'
import type { EnergyChain } from '../../chain/energy-chain.ts'
import type { NodeChain } from '../../chain-network/node-chain.ts'
import { HttpRefusalError } from '../answers.ts'
import { headerAt } from './blocks.ts'
import type { chainInfo, syncProgress } from './schemas.ts'

type ChainInfo = z.infer<typeof chainInfo>

/** Looks at a head that moves. */
const MAX_TRIES = 8

/** What a chain says of itself. */
export async function describeChain({ name, zones, chain, sync, failure }: NodeChain): Promise<ChainInfo> {
  const header = await headOf(chain)
  const [authorities, ...rows] = await chain.state.getMany([
    authorityList.key(),
    ...ASSETS.map((asset) => supplies.key(asset)),
  ])
  const { transactions, bytes, waiting } = chain.mempool.stats()
  return {
    name,
    chain_id: chain.chainId,
    height: header.height,
    hash: toHex(header.hash),
    time_ms: header.timeMs,
    state_root: toHex(header.stateRoot),
    finalised: chain.finalised,
    fork_choice: chain.engine.rules.options.forkChoice,
    authorities: authorities === undefined ? [] : authorityList.parse(authorities).map(toHex),
    zones: [...zones],
    mempool: { transactions, bytes, waiting },
    supplies: suppliesOf(rows),
    sync: describeSync(sync.status()),
    failure: failure === undefined ? null : failure.message,
  }
}

/** The header of the head. While the chain goes over to another branch there may be none at the height of the one before. */
async function headOf(chain: EnergyChain): Promise<Header> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const header = await headerAt(chain, chain.head.height)
    if (header !== undefined) return header
  }
  throw new HttpRefusalError(503, 'chain-moving', 'The chain changes its branch; ask again')
}

function suppliesOf(rows: readonly (Uint8Array | undefined)[]): ChainInfo['supplies'] {
  const of = (asset: Asset): ChainInfo['supplies'][Asset] => {
    const row = rows[ASSETS.indexOf(asset)]
    const { minted, burned } = row === undefined ? { minted: 0, burned: 0 } : supplies.parse(row)
    return { minted, burned, held: minted - burned }
  }
  return { energy: of('energy'), thb: of('thb'), rec: of('rec') }
}

function describeSync({ phase, progress, peers, last }: SyncStatus): ChainInfo['sync'] {
  return {
    phase,
    progress: progress === undefined ? null : describeProgress(progress),
    peers: peers.length,
    last:
      last === undefined
        ? null
        : {
            status: last.status,
            code: last.status === 'failed' ? last.code : null,
            message: last.status === 'failed' ? last.message : null,
          },
  }
}

/** Progress as the API shows it. */
export function describeProgress({
  from,
  height,
  target,
  blocksPerSecond,
}: NonNullable<SyncStatus['progress']>): z.infer<typeof syncProgress> {
  return { from, height, target, blocks_per_second: blocksPerSecond }
}

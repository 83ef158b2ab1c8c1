import { join } from 'node:path'
import {
  type ConsensusChain,
  type ConsensusMempool,
  type HeaderCodec,
  poa,
  type PoaEngine,
  type PoaPorts,
  type PoaRules,
  type Signer,
} from '@gridmesh/consensus'
import { addressOf, type LedgerSigner, toHex } from '@gridmesh/ledger'
import type { Mempool } from '@gridmesh/mempool'
import type { Standing } from './chain-block.ts'
import type { EnergyChainInit } from './init.ts'
import type { LedgerPoolTransaction } from './pool-transaction.ts'
import { SigningFile } from './signing-file.ts'

const SIGNING_FILE = 'signing.record'

/** What the engine is joined to. */
export interface EngineParts {
  rules: PoaRules
  chain: ConsensusChain<Standing>
  pool: Mempool<LedgerPoolTransaction>
  headers: HeaderCodec
  identity: PoaPorts['identity']
}

/**
 * Makes the engine of a node. One without a signer has one as well: it judges what comes from the network, and finds
 * authorities that sign twice.
 */
export function engineFor(init: EnergyChainInit, { rules, chain, pool, headers, identity }: EngineParts): PoaEngine {
  const { network, isReady, clock } = init
  const ports: PoaPorts = {
    rules,
    chain,
    headers,
    mempool: mempoolOf(pool),
    network: network ?? { publish: async () => Promise.resolve() },
    ...(identity !== undefined && { identity }),
    ...(isReady !== undefined && { isReady }),
    ...(clock !== undefined && { clock }),
  }
  return poa(ports, init.consensus)
}

/**
 * Who signs, and what it signed, which is read now: whoever signs must know that.
 *
 * @throws {TypeError} when there is nowhere to keep it @throws {CorruptRecordError}
 */
export async function openIdentity({ signer, record, directory }: EnergyChainInit): Promise<PoaPorts['identity']> {
  if (signer === undefined) return undefined
  if (record !== undefined) return { signer: consensusSigner(signer), record }
  if (directory === undefined) throw new TypeError('a signer needs a directory, or a record of what it signed')
  const file = new SigningFile(join(directory, SIGNING_FILE))
  await file.load()
  return { signer: consensusSigner(signer), record: file }
}

function consensusSigner(signer: LedgerSigner): Signer {
  const { publicKey } = signer
  return { publicKey, address: toHex(addressOf(publicKey)), sign: (message) => signer.sign(message) }
}

function mempoolOf(pool: Mempool<LedgerPoolTransaction>): ConsensusMempool {
  return {
    get size() {
      return pool.stats().transactions
    },
    addEventListener: (type, listener) => pool.addEventListener(type, listener),
    removeEventListener: (type, listener) => pool.removeEventListener(type, listener),
  }
}
